#include "services/main/rectl/conformance/subject.hpp"

/// A hit vouches for every blob that it names.

namespace expbuild::conformance {

namespace {

/// Whether the action cache returns this result. A server may refuse it already when it is stored.
bool is_hit(subject& s, const reapi::ActionResult& result) {
  s.need_cache_updates();
  const auto action = s.store(s.fresh()).to_proto();
  s.update_result(action, result);
  const auto status = s.get_result(action).status;
  if (!status.ok())
    expect_code("GetActionResult of an incomplete result", status, grpc::StatusCode::NOT_FOUND);
  return status.ok();
}

void expect_miss(subject& s, const reapi::ActionResult& result) {
  expect(!is_hit(s, result), "a miss, since a blob is not there", "a hit");
}

void missing_file_is_a_miss(subject& s) {
  reapi::ActionResult result;
  auto& file = *result.add_output_files();
  file.set_path("file");
  *file.mutable_digest() = absent_digest(s).to_proto();
  expect_miss(s, result);
}

void missing_stdout_is_a_miss(subject& s) {
  reapi::ActionResult result;
  *result.mutable_stdout_digest() = absent_digest(s).to_proto();
  expect_miss(s, result);
}

void missing_stderr_is_a_miss(subject& s) {
  reapi::ActionResult result;
  *result.mutable_stderr_digest() = absent_digest(s).to_proto();
  expect_miss(s, result);
}

reapi::ActionResult with_tree(const digest& tree) {
  reapi::ActionResult result;
  auto& directory = *result.add_output_directories();
  directory.set_path("directory");
  *directory.mutable_tree_digest() = tree.to_proto();
  return result;
}

void missing_tree_is_a_miss(subject& s) {
  expect_miss(s, with_tree(absent_digest(s)));
}

/// A tree with a file in the root and one in its only child.
reapi::Tree tree_of(const digest& in_root, const digest& in_child) {
  reapi::Tree tree;
  auto& child = *tree.add_children();
  child.add_files()->set_name("inner");
  *child.mutable_files(0)->mutable_digest() = in_child.to_proto();
  auto& root = *tree.mutable_root();
  root.add_files()->set_name("outer");
  *root.mutable_files(0)->mutable_digest() = in_root.to_proto();
  root.add_directories()->set_name("sub");
  *root.mutable_directories(0)->mutable_digest() = digest::of(child.SerializeAsString()).to_proto();
  return tree;
}

void missing_file_of_a_tree_is_a_miss(subject& s) {
  expect_miss(s, with_tree(s.store(tree_of(absent_digest(s), s.store(s.fresh())))));
}

void missing_file_deep_in_a_tree_is_a_miss(subject& s) {
  expect_miss(s, with_tree(s.store(tree_of(s.store(s.fresh()), absent_digest(s)))));
}

void directories_of_a_tree_need_not_be_there(subject& s) {
  const auto tree = tree_of(s.store(s.fresh()), s.store(s.fresh()));
  expect(is_hit(s, with_tree(s.store(tree))),
         "a hit: the Tree and its files are there, the Directory blobs need not be", "a miss");
}

void missing_root_directory_is_a_miss(subject& s) {
  const auto tree = tree_of(s.store(s.fresh()), s.store(s.fresh()));
  auto result = with_tree(s.store(tree));
  *result.mutable_output_directories(0)->mutable_root_directory_digest() =
      digest::of(tree.root().SerializeAsString()).to_proto();
  expect_miss(s, result);
}

void blob_uploaded_later_makes_the_hit(subject& s) {
  s.need_cache_updates();
  const auto action = s.store(s.fresh()).to_proto();
  const auto text = s.fresh();
  reapi::ActionResult result;
  *result.mutable_stdout_digest() = digest::of(text).to_proto();
  if (!s.update_result(action, result).status.ok())
    throw not_offered("incomplete results are refused when they are stored");
  expect_code("GetActionResult", s.get_result(action).status, grpc::StatusCode::NOT_FOUND);
  s.store(text);
  expect_ok("GetActionResult after the upload", s.get_result(action).status);
}

} // namespace

check_list completeness_checks() {
  static constexpr char rule[] = "A hit is returned only if every blob that it names is present.";
  return {
      {"completeness.missing_file_is_a_miss", rule, missing_file_is_a_miss},
      {"completeness.missing_stdout_is_a_miss", rule, missing_stdout_is_a_miss},
      {"completeness.missing_stderr_is_a_miss", rule, missing_stderr_is_a_miss},
      {"completeness.missing_tree_is_a_miss", rule, missing_tree_is_a_miss},
      {"completeness.missing_file_of_a_tree_is_a_miss", rule, missing_file_of_a_tree_is_a_miss},
      {"completeness.missing_file_deep_in_a_tree_is_a_miss", rule,
       missing_file_deep_in_a_tree_is_a_miss},
      {"completeness.directories_of_a_tree_need_not_be_there",
       "Clients upload the Tree of an output directory, not the Directory blobs inside it.",
       directories_of_a_tree_need_not_be_there},
      {"completeness.missing_root_directory_is_a_miss",
       "Directory blobs must be there where root_directory_digest is set.",
       missing_root_directory_is_a_miss},
      {"completeness.blob_uploaded_later_makes_the_hit",
       "Completeness is a question of what is present now.", blob_uploaded_later_makes_the_hit},
  };
}

} // namespace expbuild::conformance
