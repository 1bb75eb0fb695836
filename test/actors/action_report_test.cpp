#define CAF_SUITE actors.action_report
#include "actors/action_report.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

CAF_TEST(the report of an action names who and where and how and never breaks its line) {
  request_metadata asker;
  asker.tool_name = "bazel";
  asker.tool_version = "7.7.1";
  asker.target_id = "//some:target\nINFO fake: line";
  asker.action_mnemonic = "CppCompile";
  asker.invocation_id = "build-1";
  asker.configuration_id = "k8-fastbuild";
  reapi::ExecuteResponse response;
  response.mutable_result()->set_exit_code(3);
  reapi::ExecutedActionMetadata metadata;
  metadata.set_worker("host-worker-1");
  metadata.mutable_execution_start_timestamp()->set_seconds(5);
  metadata.mutable_execution_completed_timestamp()->set_seconds(7);
  const auto action = digest::of("action");
  const auto text = report_of(action, asker, absl::OkStatus(), response, metadata);
  for (const auto& part :
       {action.hash(), std::string("exit_code=3"), std::string("target=//some:target?INFO"),
        std::string("mnemonic=CppCompile"), std::string("worker=host-worker-1"),
        std::string("ran=2000ms"), std::string("tool=bazel/7.7.1"),
        std::string("invocation=build-1"), std::string("configuration=k8-fastbuild")})
    CAF_CHECK(text.find(part) != std::string::npos);
  CAF_CHECK(text.find('\n') == std::string::npos);
  const auto failed =
      report_of(action, {}, absl::UnavailableError("lost its worker"), {}, metadata);
  CAF_CHECK(failed.find("UNAVAILABLE") != std::string::npos);
  CAF_CHECK(failed.find("lost its worker") != std::string::npos);
}

CAF_TEST(how an action ended is told from its status and exit code) {
  reapi::ActionResult result;
  CAF_CHECK(outcome_of(absl::OkStatus(), &result, true) == action_outcome::cache_hit);
  CAF_CHECK(outcome_of(absl::OkStatus(), &result, false) == action_outcome::success);
  CAF_CHECK(outcome_of(absl::OkStatus(), nullptr, false) == action_outcome::infra_error);
  CAF_CHECK(outcome_of(absl::UnavailableError("x"), &result, false) == action_outcome::infra_error);
  CAF_CHECK(outcome_of(absl::DeadlineExceededError("x"), &result, false)
            == action_outcome::timeout);
  CAF_CHECK(outcome_of(absl::CancelledError("x"), nullptr, false) == action_outcome::cancelled);
  CAF_CHECK(outcome_of(absl::FailedPreconditionError("x"), nullptr, false)
            == action_outcome::rejected);
  result.set_exit_code(3);
  CAF_CHECK(outcome_of(absl::OkStatus(), &result, false) == action_outcome::nonzero);
}

CAF_TEST(a failure says where it ran and where to look) {
  const auto action = digest::of("action");
  const auto name = action.hash().substr(0, 16);
  reapi::ExecutedActionMetadata metadata;
  CAF_CHECK_EQUAL(failure_message(action, metadata, ""), "rectl explain " + name);
  metadata.set_worker("host-worker-1");
  CAF_CHECK_EQUAL(failure_message(action, metadata, "http://here"),
                  "ran on host-worker-1; see http://here/ui/action/" + name + " or rectl explain "
                      + name);
}
