#include "services/main/rectl/conformance/action_run.hpp"

/// Input Directories must be canonical.

namespace expbuild::conformance {

namespace {

/// Executing with this root must fail in words that name the Directory and the entry.
void expect_refused_root(subject& s, const reapi::Directory& root, const std::string& entry) {
  const auto trouble = execute(s, store_action(s, shell("true"), root)).trouble();
  expect_code("a Directory that is not canonical", trouble, grpc::StatusCode::INVALID_ARGUMENT);
  const auto hash = digest::of(root.SerializeAsString()).hash();
  expect(trouble.error_message().find(hash) != std::string::npos, "the Directory's digest in words",
         show(trouble.error_message()));
  expect(trouble.error_message().find(entry) != std::string::npos,
         "the entry '" + entry + "' in words", show(trouble.error_message()));
}

void expect_refused_name(subject& s, const std::string& name) {
  reapi::Directory root;
  add_file(s, root, name, s.fresh());
  expect_refused_root(s, root, name);
}

void unsorted_files_are_refused(subject& s) {
  reapi::Directory root;
  add_file(s, root, "b", s.fresh());
  add_file(s, root, "a", s.fresh());
  expect_refused_root(s, root, "a");
}

void unsorted_directories_are_refused(subject& s) {
  reapi::Directory root;
  add_directory(s, root, "b", {});
  add_directory(s, root, "a", {});
  expect_refused_root(s, root, "a");
}

void unsorted_symlinks_are_refused(subject& s) {
  reapi::Directory root;
  add_symlink(root, "b", s.fresh());
  add_symlink(root, "a", "x");
  expect_refused_root(s, root, "a");
}

void file_named_twice_is_refused(subject& s) {
  reapi::Directory root;
  add_file(s, root, "same", s.fresh());
  add_file(s, root, "same", s.fresh());
  expect_refused_root(s, root, "same");
}

void file_and_directory_of_one_name_are_refused(subject& s) {
  reapi::Directory root;
  add_file(s, root, "same", s.fresh());
  add_directory(s, root, "same", {});
  expect_refused_root(s, root, "same");
}

void file_and_symlink_of_one_name_are_refused(subject& s) {
  reapi::Directory root;
  add_file(s, root, "same", s.fresh());
  add_symlink(root, "same", "x");
  expect_refused_root(s, root, "same");
}

void empty_name_is_refused(subject& s) {
  expect_refused_name(s, "");
}

void dot_is_refused(subject& s) {
  expect_refused_name(s, ".");
}

void dot_dot_is_refused(subject& s) {
  expect_refused_name(s, "..");
}

void slash_in_a_name_is_refused(subject& s) {
  expect_refused_name(s, "a/b");
  expect_refused_name(s, "../../escaped");
  expect_refused_name(s, "/tmp/escaped");
}

void fault_deep_in_the_tree_is_found(subject& s) {
  reapi::Directory bad;
  add_file(s, bad, "..", s.fresh());
  reapi::Directory middle;
  add_directory(s, middle, "bad", bad);
  reapi::Directory root;
  add_directory(s, root, "middle", middle);
  const auto trouble = execute(s, store_action(s, shell("true"), root)).trouble();
  expect_code("a tree with a Directory that is not canonical", trouble,
              grpc::StatusCode::INVALID_ARGUMENT);
}

void absolute_symlink_is_refused(subject& s) {
  s.need_disallowed_absolute_symlinks();
  reapi::Directory root;
  add_symlink(root, "link", "/etc/passwd");
  const auto trouble = execute(s, store_action(s, shell("true"), root)).trouble();
  expect_code("an absolute symlink in the inputs", trouble, grpc::StatusCode::INVALID_ARGUMENT);
}

void blob_that_is_no_directory_is_refused(subject& s) {
  const auto id = s.store("\xff\xff\xff" + s.fresh());
  const auto action = store_action(s, shell("true"), {}, [&](reapi::Action& x) {
    *x.mutable_input_root_digest() = id.to_proto();
  });
  expect_code("an input root that is no Directory", execute(s, action).trouble(),
              grpc::StatusCode::INVALID_ARGUMENT);
}

} // namespace

check_list directory_checks() {
  static constexpr char sorted[] =
      "Entries are sorted: otherwise INVALID_ARGUMENT names the Directory and the entry.";
  static constexpr char unique[] = "Names are unique across files, directories and symlinks.";
  static constexpr char names[] = "No name is empty, '.', '..' or has a slash.";
  return {
      {"directories.unsorted_files_are_refused", sorted, unsorted_files_are_refused},
      {"directories.unsorted_directories_are_refused", sorted, unsorted_directories_are_refused},
      {"directories.unsorted_symlinks_are_refused", sorted, unsorted_symlinks_are_refused},
      {"directories.file_named_twice_is_refused", unique, file_named_twice_is_refused},
      {"directories.file_and_directory_of_one_name_are_refused", unique,
       file_and_directory_of_one_name_are_refused},
      {"directories.file_and_symlink_of_one_name_are_refused", unique,
       file_and_symlink_of_one_name_are_refused},
      {"directories.empty_name_is_refused", names, empty_name_is_refused},
      {"directories.dot_is_refused", names, dot_is_refused},
      {"directories.dot_dot_is_refused", names, dot_dot_is_refused},
      {"directories.slash_in_a_name_is_refused", names, slash_in_a_name_is_refused},
      {"directories.fault_deep_in_the_tree_is_found", names, fault_deep_in_the_tree_is_found},
      {"directories.absolute_symlink_is_refused",
       "With DISALLOWED, an absolute symlink in the inputs is INVALID_ARGUMENT.",
       absolute_symlink_is_refused},
      {"directories.blob_that_is_no_directory_is_refused",
       "What can not be parsed is INVALID_ARGUMENT.", blob_that_is_no_directory_is_refused},
  };
}

} // namespace expbuild::conformance
