#include "services/main/rectl/conformance/action_run.hpp"

/// What a command finds when it starts.

namespace expbuild::conformance {

namespace {

void files_are_there(subject& s) {
  reapi::Directory inner;
  add_file(s, inner, "deep", "deep text");
  reapi::Directory root;
  add_file(s, root, "file", "text ");
  add_directory(s, root, "sub", inner);
  expect_equal("stdout", output_of(s, shell("cat file sub/deep"), root), "text deep text");
}

void large_file_is_whole(subject& s) {
  const auto bytes = s.fresh_bytes(5 << 20);
  reapi::Directory root;
  add_file(s, root, "file", bytes);
  const auto text = output_of(s, shell("sha256sum < file"), root);
  expect_equal("its SHA256", text.substr(0, 64), digest::of(bytes).hash());
}

void empty_file_is_there_without_an_upload(subject& s) {
  reapi::Directory root;
  add_file(s, root, "empty", "");
  expect_equal("stdout", output_of(s, shell("test -f empty && wc -c < empty"), root), "0\n");
}

void empty_directory_is_there(subject& s) {
  reapi::Directory root;
  add_directory(s, root, "empty", {});
  expect_equal("stdout", output_of(s, shell("ls -d empty"), root), "empty\n");
}

void executable_bit_is_kept(subject& s) {
  reapi::Directory root;
  add_file(s, root, "plain", s.fresh());
  add_file(s, root, "tool", "#!/bin/sh\necho ran\n", true);
  expect_equal("stdout", output_of(s, shell("./tool; test -x plain || echo plain"), root),
               "ran\nplain\n");
}

void symlinks_are_symlinks(subject& s) {
  reapi::Directory root;
  add_file(s, root, "target", "text");
  add_symlink(root, "link", "target");
  add_symlink(root, "nowhere", "does/not/exist");
  expect_equal("stdout", output_of(s, shell("cat link; readlink link nowhere"), root),
               "texttarget\ndoes/not/exist\n");
}

void symlinks_up_the_tree_work(subject& s) {
  reapi::Directory sub;
  add_symlink(sub, "up", "../file");
  reapi::Directory root;
  add_file(s, root, "file", "text");
  add_directory(s, root, "sub", sub);
  expect_equal("stdout", output_of(s, shell("cat sub/up"), root), "text");
}

void no_inputs_is_the_empty_digest(subject& s) {
  expect_equal("stdout", output_of(s, shell("ls | wc -l")), "0\n");
}

void one_blob_may_be_many_files(subject& s) {
  const auto text = s.fresh();
  reapi::Directory root;
  add_file(s, root, "a", text);
  add_file(s, root, "b", text, true);
  expect_equal("stdout",
               output_of(s, shell("cmp a b && test -x b && test ! -x a && echo same"), root),
               "same\n");
}

void one_directory_may_stand_in_many_places(subject& s) {
  reapi::Directory child;
  add_file(s, child, "file", s.fresh());
  reapi::Directory root;
  add_directory(s, root, "a", child);
  add_directory(s, root, "b", child);
  expect_equal("stdout", output_of(s, shell("cmp a/file b/file && echo same"), root), "same\n");
}

void writing_to_an_input_does_not_change_the_blob(subject& s) {
  const auto text = s.fresh();
  reapi::Directory root;
  add_file(s, root, "file", text);
  execute(s, store_action(s, shell("chmod u+w file; echo evil > file; true"), root)).response();
  expect_equal("the blob", s.load(digest::of(text)), text);
  expect_equal("the input of the next action", output_of(s, shell("cat file"), root), text);
}

void names_in_utf8_are_kept(subject& s) {
  reapi::Directory root;
  add_file(s, root, "gr\xc3\xbc\xc3\x9f dich", s.fresh());
  expect_equal("stdout", output_of(s, shell("ls"), root), "gr\xc3\xbc\xc3\x9f dich\n");
}

} // namespace

check_list input_checks() {
  return {
      {"inputs.files_are_there", "The input root is what the Directories say.", files_are_there},
      {"inputs.large_file_is_whole", "The input root is what the Directories say.",
       large_file_is_whole},
      {"inputs.empty_file_is_there_without_an_upload",
       "The empty blob is always present, as an input, too.",
       empty_file_is_there_without_an_upload},
      {"inputs.empty_directory_is_there", "The empty blob is always present, as a Directory, too.",
       empty_directory_is_there},
      {"inputs.executable_bit_is_kept", "is_executable decides.", executable_bit_is_kept},
      {"inputs.symlinks_are_symlinks", "Symlinks are created as they are, also dangling ones.",
       symlinks_are_symlinks},
      {"inputs.symlinks_up_the_tree_work", "A target is relative to its link.",
       symlinks_up_the_tree_work},
      {"inputs.no_inputs_is_the_empty_digest",
       "An action without inputs names the empty digest as its input root.",
       no_inputs_is_the_empty_digest},
      {"inputs.one_blob_may_be_many_files", "One blob may be files of different modes.",
       one_blob_may_be_many_files},
      {"inputs.one_directory_may_stand_in_many_places", "One Directory may be named many times.",
       one_directory_may_stand_in_many_places},
      {"inputs.writing_to_an_input_does_not_change_the_blob",
       "No action can change what is stored.", writing_to_an_input_does_not_change_the_blob},
      {"inputs.names_in_utf8_are_kept", "Names are UTF-8.", names_in_utf8_are_kept},
  };
}

} // namespace expbuild::conformance
