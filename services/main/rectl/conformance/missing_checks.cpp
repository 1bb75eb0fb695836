#include "services/main/rectl/conformance/action_run.hpp"

#include "google/rpc/error_details.pb.h"

#include <set>

/// What Execute says when blobs are missing. Bazel uploads again and retries only when every
/// violation is MISSING.

namespace expbuild::conformance {

namespace {

/// The subjects of the violations; throws `broken` unless all of them are MISSING.
std::set<std::string> missing_of(const outcome& came) {
  const auto trouble = came.trouble();
  expect_code("an action with missing blobs", trouble, grpc::StatusCode::FAILED_PRECONDITION);
  google::rpc::Status status;
  status.ParseFromString(trouble.error_details());
  std::set<std::string> subjects;
  for (const auto& detail : status.details()) {
    google::rpc::PreconditionFailure failure;
    if (!detail.UnpackTo(&failure))
      continue;
    for (const auto& violation : failure.violations()) {
      expect_equal("type of the violation", violation.type(), "MISSING");
      subjects.insert(violation.subject());
    }
  }
  expect(!subjects.empty(), "violations of a PreconditionFailure", "none");
  return subjects;
}

std::string subject_of(const digest& id) {
  return "blobs/" + id.to_string();
}

void expect_missing(const outcome& came, const std::set<digest>& blobs) {
  std::set<std::string> wanted;
  for (const auto& id : blobs)
    wanted.insert(subject_of(id));
  const auto told = missing_of(came);
  std::string list;
  for (const auto& each : told)
    list += (list.empty() ? "" : ", ") + each;
  expect(told == wanted,
         "exactly the " + std::to_string(wanted.size()) + " missing blobs, as " + *wanted.begin(),
         list.substr(0, 500));
}

void action_is_missing(subject& s) {
  s.need_execution();
  const auto action = absent_digest(s);
  expect_missing(execute(s, action), {action});
}

void command_is_missing(subject& s) {
  const auto command = absent_digest(s);
  const auto action = store_action(s, shell("true"), {}, [&](reapi::Action& x) {
    *x.mutable_command_digest() = command.to_proto();
  });
  expect_missing(execute(s, action), {command});
}

void input_root_is_missing(subject& s) {
  const auto root = absent_digest(s);
  const auto action = store_action(s, shell("true"), {}, [&](reapi::Action& x) {
    *x.mutable_input_root_digest() = root.to_proto();
  });
  expect_missing(execute(s, action), {root});
}

void name_file(reapi::Directory& to, const std::string& name, const digest& id) {
  auto& file = *to.add_files();
  file.set_name(name);
  *file.mutable_digest() = id.to_proto();
}

void name_directory(reapi::Directory& to, const std::string& name, const digest& id) {
  auto& child = *to.add_directories();
  child.set_name(name);
  *child.mutable_digest() = id.to_proto();
}

void file_is_missing(subject& s) {
  const auto file = absent_digest(s);
  reapi::Directory root;
  name_file(root, "file", file);
  expect_missing(execute(s, store_action(s, shell("true"), root)), {file});
}

void directory_is_missing(subject& s) {
  const auto child = absent_digest(s);
  reapi::Directory root;
  name_directory(root, "child", child);
  expect_missing(execute(s, store_action(s, shell("true"), root)), {child});
}

void all_are_told_at_once(subject& s) {
  const auto file = absent_digest(s);
  const auto nested = absent_digest(s);
  const auto child = absent_digest(s);
  reapi::Directory inner;
  name_file(inner, "nested", nested);
  reapi::Directory root;
  name_file(root, "file", file);
  name_directory(root, "child", child);
  name_directory(root, "inner", s.store(inner));
  expect_missing(execute(s, store_action(s, shell("true"), root)), {file, nested, child});
}

void each_is_told_once(subject& s) {
  const auto file = absent_digest(s);
  reapi::Directory root;
  name_file(root, "a", file);
  name_file(root, "b", file);
  expect_missing(execute(s, store_action(s, shell("true"), root)), {file});
}

void hundreds_are_told(subject& s) {
  std::set<digest> files;
  reapi::Directory root;
  for (int i = 0; i < 500; ++i) {
    const auto file = absent_digest(s);
    name_file(root, "file" + std::to_string(1000 + i), file);
    files.insert(file);
  }
  expect_missing(execute(s, store_action(s, shell("true"), root)), files);
}

void wrong_size_is_missing(subject& s) {
  const auto id = s.store(s.fresh());
  reapi::Directory root;
  auto& file = *root.add_files();
  file.set_name("file");
  *file.mutable_digest() = with_size(id, id.size_bytes() + 1);
  const auto told = missing_of(execute(s, store_action(s, shell("true"), root)));
  expect(told.count("blobs/" + id.hash() + "/" + std::to_string(id.size_bytes() + 1)) == 1,
         "the digest with the wrong size", show(*told.begin()));
}

void upload_mends_it(subject& s) {
  const auto text = s.fresh();
  reapi::Directory root;
  name_file(root, "file", digest::of(text));
  const auto action = store_action(s, shell("cat file"), root);
  expect_missing(execute(s, action), {digest::of(text)});
  s.store(text);
  expect_equal("stdout", stdout_of(s, run(s, action).result()), text);
}

} // namespace

check_list missing_checks() {
  static constexpr char rule[] = "What is missing is FAILED_PRECONDITION with a violation of type "
                                 "MISSING and subject blobs/HASH/SIZE.";
  return {
      {"missing.action_is_told", rule, action_is_missing},
      {"missing.command_is_told", rule, command_is_missing},
      {"missing.input_root_is_told", rule, input_root_is_missing},
      {"missing.file_is_told", rule, file_is_missing},
      {"missing.directory_is_told", rule, directory_is_missing},
      {"missing.all_are_told_at_once", "All that is missing is told at once, never an empty list.",
       all_are_told_at_once},
      {"missing.each_is_told_once", "A blob that is missing twice is told once.",
       each_is_told_once},
      {"missing.hundreds_are_told",
       "Long lists stand in ExecuteResponse.status: a call's own status has no room for them.",
       hundreds_are_told},
      {"missing.wrong_size_is_told", "The right hash with a wrong size is missing.",
       wrong_size_is_missing},
      {"missing.upload_mends_it", "After an upload the same action runs.", upload_mends_it},
  };
}

} // namespace expbuild::conformance
