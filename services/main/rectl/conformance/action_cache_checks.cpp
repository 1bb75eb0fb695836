#include "services/main/rectl/conformance/subject.hpp"

#include <functional>

namespace expbuild::conformance {

namespace {

answer<reapi::ActionResult>
get_inlined(subject& s, const digest& action,
            const std::function<void(reapi::GetActionResultRequest&)>& ask) {
  reapi::GetActionResultRequest request;
  request.set_instance_name(s.instance());
  *request.mutable_action_digest() = action.to_proto();
  ask(request);
  answer<reapi::ActionResult> came;
  came.status =
      s.server().action_cache->GetActionResult(s.server().new_call().get(), request, &came.message);
  expect_ok("GetActionResult", came.status);
  return came;
}

/// An entry with stdout, stderr and two files, all of them stored.
struct entry {
  explicit entry(subject& s, std::size_t stdout_size = 100) : out(s.fresh_bytes(stdout_size)) {
    s.need_cache_updates();
    action = s.store(s.fresh());
    *result.mutable_stdout_digest() = s.store(out).to_proto();
    *result.mutable_stderr_digest() = s.store(err = s.fresh()).to_proto();
    for (const auto* name : {"a", "b"}) {
      auto& file = *result.add_output_files();
      file.set_path(name);
      *file.mutable_digest() = s.store(name + s.fresh()).to_proto();
    }
    expect_ok("UpdateActionResult", s.update_result(action.to_proto(), result).status);
  }
  std::string out;
  std::string err;
  digest action;
  reapi::ActionResult result;
};

void unknown_action_is_not_found(subject& s) {
  expect_code("GetActionResult of an unknown action",
              s.get_result(absent_digest(s).to_proto()).status, grpc::StatusCode::NOT_FOUND);
}

void update_is_found(subject& s) {
  const entry x(s);
  const auto hit = s.get_result(x.action.to_proto());
  expect_ok("GetActionResult", hit.status);
  expect_equal("stdout_digest", hit.message.stdout_digest().hash(),
               x.result.stdout_digest().hash());
  expect_equal("output files", hit.message.output_files_size(), 2);
  expect_equal("path", hit.message.output_files(0).path(), "a");
}

void later_update_replaces_the_entry(subject& s) {
  const entry x(s);
  auto other = x.result;
  *other.mutable_stdout_digest() = s.store(s.fresh()).to_proto();
  expect_ok("UpdateActionResult", s.update_result(x.action.to_proto(), other).status);
  const auto hit = s.get_result(x.action.to_proto());
  expect_ok("GetActionResult", hit.status);
  expect_equal("stdout_digest", hit.message.stdout_digest().hash(), other.stdout_digest().hash());
}

void exit_codes_are_not_filtered(subject& s) {
  s.need_cache_updates();
  const auto action = s.store(s.fresh()).to_proto();
  reapi::ActionResult result;
  result.set_exit_code(3);
  expect_ok("UpdateActionResult with exit_code 3", s.update_result(action, result).status);
  const auto hit = s.get_result(action);
  expect_ok("GetActionResult", hit.status);
  expect_equal("exit_code", hit.message.exit_code(), 3);
}

void missing_action_is_a_precondition_at_most(subject& s) {
  s.need_cache_updates();
  const auto status = s.update_result(absent_digest(s).to_proto(), {}).status;
  if (!status.ok())
    expect_code("UpdateActionResult of an action that is not in the CAS", status,
                grpc::StatusCode::FAILED_PRECONDITION);
}

void nothing_is_inlined_unasked(subject& s) {
  const entry x(s);
  const auto hit = s.get_result(x.action.to_proto());
  expect_ok("GetActionResult", hit.status);
  expect_equal("stdout_raw", hit.message.stdout_raw(), "");
  expect_equal("stderr_raw", hit.message.stderr_raw(), "");
  for (const auto& file : hit.message.output_files())
    expect_equal("contents", file.contents(), "");
}

void stdout_is_inlined_when_asked(subject& s) {
  const entry x(s);
  const auto hit = get_inlined(s, x.action, [](auto& ask) { ask.set_inline_stdout(true); });
  expect(hit.message.stdout_raw() == x.out, "stdout_raw", show(hit.message.stdout_raw()));
  expect_equal("stderr_raw", hit.message.stderr_raw(), "");
  expect_equal("stdout_digest beside it", hit.message.stdout_digest().hash(),
               digest::of(x.out).hash());
}

void stderr_is_inlined_when_asked(subject& s) {
  const entry x(s);
  const auto hit = get_inlined(s, x.action, [](auto& ask) { ask.set_inline_stderr(true); });
  expect_equal("stderr_raw", hit.message.stderr_raw(), x.err);
}

void output_files_are_inlined_by_name(subject& s) {
  const entry x(s);
  const auto hit = get_inlined(s, x.action, [](auto& ask) { ask.add_inline_output_files("b"); });
  for (const auto& file : hit.message.output_files())
    expect_equal("contents of " + file.path() + " to be there", !file.contents().empty(),
                 file.path() == "b");
}

void inlining_keeps_the_message_below_4_mib(subject& s) {
  const entry x(s, 6 << 20);
  const auto hit = get_inlined(s, x.action, [](auto& ask) { ask.set_inline_stdout(true); });
  expect(hit.message.ByteSizeLong() < 4 << 20, "a message below 4 MiB",
         show(hit.message.ByteSizeLong()));
  expect_equal("stdout_digest", hit.message.stdout_digest().hash(), digest::of(x.out).hash());
}

void inlined_stdout_of_an_update_is_kept(subject& s) {
  s.need_cache_updates();
  const auto action = s.store(s.fresh());
  reapi::ActionResult result;
  result.set_stdout_raw(s.fresh());
  expect_ok("UpdateActionResult", s.update_result(action.to_proto(), result).status);
  const auto hit = get_inlined(s, action, [](auto& ask) { ask.set_inline_stdout(true); });
  const auto text = hit.message.stdout_raw().empty() ? s.load(hit.message.stdout_digest())
                                                     : hit.message.stdout_raw();
  expect_equal("stdout", text, result.stdout_raw());
}

void inlined_file_of_an_update_is_kept(subject& s) {
  s.need_cache_updates();
  const auto action = s.store(s.fresh());
  const auto text = s.fresh();
  reapi::ActionResult result;
  auto& file = *result.add_output_files();
  file.set_path("file");
  file.set_contents(text);
  *file.mutable_digest() = digest::of(text).to_proto();
  expect_ok("UpdateActionResult", s.update_result(action.to_proto(), result).status);
  const auto hit = get_inlined(s, action, [](auto& ask) { ask.add_inline_output_files("file"); });
  expect_equal("output files", hit.message.output_files_size(), 1);
  const auto& came = hit.message.output_files(0);
  expect_equal("contents", came.contents().empty() ? s.load(came.digest()) : came.contents(), text);
}

} // namespace

check_list action_cache_checks() {
  static constexpr char inlining[] =
      "Stdout, stderr and output files are inlined as asked for, as size allows.";
  return {
      {"action_cache.unknown_action_is_not_found", "NOT_FOUND is a true miss.",
       unknown_action_is_not_found},
      {"action_cache.update_is_found", "What UpdateActionResult brings, GetActionResult gives.",
       update_is_found},
      {"action_cache.later_update_replaces_the_entry", "The latest result counts.",
       later_update_replaces_the_entry},
      {"action_cache.exit_codes_are_not_filtered",
       "A permitted client may store results of any exit code.", exit_codes_are_not_filtered},
      {"action_cache.missing_action_is_a_precondition_at_most",
       "A missing Action or Command is FAILED_PRECONDITION, where it is checked.",
       missing_action_is_a_precondition_at_most},
      {"action_cache.nothing_is_inlined_unasked", "Nothing is inlined that was not asked for.",
       nothing_is_inlined_unasked},
      {"action_cache.stdout_is_inlined_when_asked", inlining, stdout_is_inlined_when_asked},
      {"action_cache.stderr_is_inlined_when_asked", inlining, stderr_is_inlined_when_asked},
      {"action_cache.output_files_are_inlined_by_name", inlining, output_files_are_inlined_by_name},
      {"action_cache.inlining_keeps_the_message_below_4_mib",
       "Inlined bytes are capped: older Bazel refuses messages of 4 MiB.",
       inlining_keeps_the_message_below_4_mib},
      {"action_cache.inlined_stdout_of_an_update_is_kept",
       "Bytes that an update brings inline are kept, or moved into the CAS.",
       inlined_stdout_of_an_update_is_kept},
      {"action_cache.inlined_file_of_an_update_is_kept",
       "Bytes that an update brings inline are kept, or moved into the CAS.",
       inlined_file_of_an_update_is_kept},
  };
}

} // namespace expbuild::conformance
