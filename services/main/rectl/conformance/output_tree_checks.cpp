#include "services/main/rectl/conformance/outputs.hpp"

#include <map>
#include <set>

/// Output directories.

namespace expbuild::conformance {

namespace {

using format = reapi::Command::OutputDirectoryFormat;

void tree_holds_what_was_made(subject& s) {
  const auto result =
      run(s, shell("mkdir -p d/sub; echo a > d/file; printf b > d/sub/tool; chmod +x d/sub/tool; "
                   "ln -s ../file d/sub/link",
                   {"d"}));
  const auto tree = tree_of(s, result, "d");
  expect_equal("files in the root", tree.root().files_size(), 1);
  expect_equal("name", tree.root().files(0).name(), "file");
  expect_equal("blob", s.load(tree.root().files(0).digest()), "a\n");
  expect_equal("children", tree.children_size(), 1);
  const auto& sub = tree.children(0);
  expect_equal("digest of the child in the root", tree.root().directories(0).digest().hash(),
               digest::of(sub.SerializeAsString()).hash());
  expect_equal("files in 'sub'", sub.files_size(), 1);
  expect_equal("is_executable", sub.files(0).is_executable(), true);
  expect_equal("symlinks in 'sub'", sub.symlinks_size(), 1);
  expect_equal("target", sub.symlinks(0).target(), "../file");
}

void tree_is_always_told(subject& s) {
  for (const auto wanted : {format::Command_OutputDirectoryFormat_TREE_ONLY,
                            format::Command_OutputDirectoryFormat_DIRECTORY_ONLY,
                            format::Command_OutputDirectoryFormat_TREE_AND_DIRECTORY}) {
    auto command = shell("mkdir d; echo a > d/file", {"d"});
    command.set_output_directory_format(wanted);
    tree_of(s, run(s, command), "d");
  }
}

void expect_directories(subject& s, format wanted) {
  auto command = shell("mkdir -p d/sub; " + std::string(print_uuid) + " > d/sub/file", {"d"});
  command.set_output_directory_format(wanted);
  const auto result = run(s, command);
  const auto tree = tree_of(s, result, "d");
  const auto& root = directory_of(result, "d").root_directory_digest();
  expect_equal("root_directory_digest", root.hash(),
               digest::of(tree.root().SerializeAsString()).hash());
  s.load(root);
  for (const auto& child : tree.children())
    s.load(digest::of(child.SerializeAsString()));
}

void directory_only_has_directories_in_the_cas(subject& s) {
  expect_directories(s, format::Command_OutputDirectoryFormat_DIRECTORY_ONLY);
}

void tree_and_directory_has_directories_in_the_cas(subject& s) {
  expect_directories(s, format::Command_OutputDirectoryFormat_TREE_AND_DIRECTORY);
}

void empty_directory_is_told(subject& s) {
  const auto tree = tree_of(s, run(s, shell("mkdir d", {"d"})), "d");
  expect_equal("entries", tree.root().files_size() + tree.root().directories_size(), 0);
}

void empty_child_is_kept(subject& s) {
  const auto tree = tree_of(s, run(s, shell("mkdir -p d/empty", {"d"})), "d");
  expect_equal("directories in the root", tree.root().directories_size(), 1);
  expect_equal("children", tree.children_size(), 1);
}

void same_content_is_the_same_tree(subject& s) {
  const auto one =
      run(s, shell("mkdir -p d/x d/y; echo 1 > d/b; echo 2 > d/a; echo 3 > d/y/f", {"d"}));
  const auto other = run(s, shell("mkdir -p d/y; echo 3 > d/y/f; echo 2 > d/a; mkdir d/x; "
                                  "echo 1 > d/b",
                                  {"d"}));
  expect_equal("tree_digest", directory_of(other, "d").tree_digest().hash(),
               directory_of(one, "d").tree_digest().hash());
}

void directories_are_sorted(subject& s) {
  const auto tree =
      tree_of(s, run(s, shell("mkdir d; cd d; for i in c a b; do echo > $i; done", {"d"})), "d");
  std::string names;
  for (const auto& file : tree.root().files())
    names += file.name();
  expect_equal("names in order", names, "abc");
}

void equal_children_stand_once(subject& s) {
  const auto tree =
      tree_of(s, run(s, shell("mkdir -p d/a d/b; echo x > d/a/f; echo x > d/b/f", {"d"})), "d");
  expect_equal("children", tree.children_size(), 1);
}

void topologically_sorted_only_if_it_is(subject& s) {
  const auto result = run(s, shell("mkdir -p d/a/b/c d/e/f; echo 1 > d/a/b/c/x", {"d"}));
  if (!directory_of(result, "d").is_topologically_sorted())
    throw not_offered("is_topologically_sorted is false");
  const auto tree = tree_of(s, result, "d");
  std::set<std::string> named;
  const auto name_children = [&](const reapi::Directory& of) {
    for (const auto& child : of.directories())
      named.insert(child.digest().hash());
  };
  name_children(tree.root());
  for (const auto& child : tree.children()) {
    expect(named.count(digest::of(child.SerializeAsString()).hash()) == 1,
           "parents before their children", "a child before its parent");
    name_children(child);
  }
}

void links_in_a_tree_are_not_followed(subject& s) {
  const auto tree = tree_of(
      s, run(s, shell("mkdir d other; echo a > other/file; ln -s ../other d/link", {"d"})), "d");
  expect_equal("symlinks", tree.root().symlinks_size(), 1);
  expect_equal("directories", tree.root().directories_size(), 0);
}

void absolute_link_in_a_tree_is_a_failed_precondition(subject& s) {
  s.need_disallowed_absolute_symlinks();
  const auto came = execute(s, store_action(s, shell("mkdir d; ln -s /etc d/link", {"d"})));
  expect_code("an absolute symlink in an output directory", came.response().status(),
              grpc::StatusCode::FAILED_PRECONDITION);
}

void tree_can_be_input_again(subject& s) {
  auto command = shell("mkdir -p d/sub; echo text > d/sub/file", {"d"});
  command.set_output_directory_format(format::Command_OutputDirectoryFormat_TREE_AND_DIRECTORY);
  const auto made = run(s, command);
  reapi::Directory root;
  auto& node = *root.add_directories();
  node.set_name("in");
  *node.mutable_digest() = directory_of(made, "d").root_directory_digest();
  expect_equal("stdout", output_of(s, shell("cat in/sub/file"), root), "text\n");
}

} // namespace

check_list output_tree_checks() {
  static constexpr char directories[] =
      "DIRECTORY_ONLY is answered as TREE_AND_DIRECTORY: the Directory blobs are in the CAS, too.";
  return {
      {"output_trees.tree_holds_what_was_made", "A Tree describes the directory as it was left.",
       tree_holds_what_was_made},
      {"output_trees.tree_is_always_told", "Every output directory has a tree_digest.",
       tree_is_always_told},
      {"output_trees.directory_only_has_directories_in_the_cas", directories,
       directory_only_has_directories_in_the_cas},
      {"output_trees.tree_and_directory_has_directories_in_the_cas", directories,
       tree_and_directory_has_directories_in_the_cas},
      {"output_trees.empty_directory_is_told", "An empty directory is an output.",
       empty_directory_is_told},
      {"output_trees.empty_child_is_kept", "An empty directory inside is kept.",
       empty_child_is_kept},
      {"output_trees.same_content_is_the_same_tree", "Trees are deterministic.",
       same_content_is_the_same_tree},
      {"output_trees.directories_are_sorted", "Directories are canonical.", directories_are_sorted},
      {"output_trees.equal_children_stand_once", "A Tree holds each Directory once.",
       equal_children_stand_once},
      {"output_trees.topologically_sorted_only_if_it_is",
       "is_topologically_sorted is set only if it is.", topologically_sorted_only_if_it_is},
      {"output_trees.links_in_a_tree_are_not_followed", "A link is a link.",
       links_in_a_tree_are_not_followed},
      {"output_trees.absolute_link_in_a_tree_is_a_failed_precondition",
       "With DISALLOWED, an absolute symlink in the outputs is FAILED_PRECONDITION.",
       absolute_link_in_a_tree_is_a_failed_precondition},
      {"output_trees.tree_can_be_input_again",
       "With root_directory_digest an output is the input of the next action.",
       tree_can_be_input_again},
  };
}

} // namespace expbuild::conformance
