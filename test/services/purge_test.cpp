#define CAF_SUITE services.purge
#include "test/services/fixture.hpp"

#include "expbuild/admin/v1/admin.grpc.pb.h"

#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

using admin::v1::PurgeActionResultsRequest;
using admin::v1::PurgeActionResultsResponse;

struct fixture : service_fixture {
  void store(const std::string& action, const std::string& worker, const std::string& mnemonic) {
    client_context call;
    reapi::RequestMetadata metadata;
    metadata.set_action_mnemonic(mnemonic);
    metadata.set_target_id("//some:target");
    call.AddMetadata("build.bazel.remote.execution.v2.requestmetadata-bin",
                     metadata.SerializeAsString());
    reapi::UpdateActionResultRequest request;
    *request.mutable_action_digest() = digest::of(action).to_proto();
    request.mutable_action_result()->mutable_execution_metadata()->set_worker(worker);
    reapi::ActionResult response;
    CAF_REQUIRE(stub<reapi::ActionCache>()->UpdateActionResult(&call, request, &response).ok());
  }

  bool has(const std::string& action) {
    client_context call;
    reapi::GetActionResultRequest request;
    *request.mutable_action_digest() = digest::of(action).to_proto();
    reapi::ActionResult response;
    return stub<reapi::ActionCache>()->GetActionResult(&call, request, &response).ok();
  }

  grpc::Status purge(const PurgeActionResultsRequest& request) {
    client_context call;
    answer.Clear();
    return stub<admin::v1::Admin>()->PurgeActionResults(&call, request, &answer);
  }

  PurgeActionResultsResponse answer;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(purge_tests, fixture)

CAF_TEST(results go by worker and mnemonic after a dry run that shows them) {
  store("a", "one", "CppCompile");
  store("b", "one", "CppLink");
  store("c", "two", "CppCompile");
  PurgeActionResultsRequest request;
  request.set_worker("one");
  request.set_mnemonic("CppCompile");
  request.set_dry_run(true);
  CAF_REQUIRE(purge(request).ok());
  CAF_CHECK_EQUAL(answer.looked_at_results(), 3);
  CAF_CHECK_EQUAL(answer.matched_results(), 1);
  CAF_CHECK_EQUAL(answer.removed_results(), 0);
  CAF_CHECK(answer.matched_bytes() > 0);
  CAF_REQUIRE_EQUAL(answer.samples_size(), 1);
  const auto& sample = answer.samples(0);
  CAF_CHECK_EQUAL(sample.action_digest(), digest::of("a").to_string());
  CAF_CHECK_EQUAL(sample.worker(), "one");
  CAF_CHECK_EQUAL(sample.mnemonic(), "CppCompile");
  CAF_CHECK_EQUAL(sample.target_id(), "//some:target");
  CAF_CHECK(sample.stored_at().seconds() > 1'600'000'000);
  CAF_CHECK(has("a"));
  request.set_dry_run(false);
  CAF_REQUIRE(purge(request).ok());
  CAF_CHECK_EQUAL(answer.removed_results(), 1);
  CAF_CHECK_EQUAL(answer.removed_bytes(), answer.matched_bytes());
  CAF_CHECK(!has("a"));
  CAF_CHECK(has("b"));
  CAF_CHECK(has("c"));
}

CAF_TEST(results go by time and all of them when that is asked for) {
  store("a", "one", "");
  PurgeActionResultsRequest old;
  old.mutable_stored_before()->set_seconds(1'600'000'000);
  CAF_REQUIRE(purge(old).ok());
  CAF_CHECK_EQUAL(answer.removed_results(), 0);
  CAF_CHECK(has("a"));
  PurgeActionResultsRequest recent;
  recent.mutable_stored_after()->set_seconds(1'600'000'000);
  CAF_REQUIRE(purge(recent).ok());
  CAF_CHECK_EQUAL(answer.removed_results(), 1);
  store("b", "one", "");
  PurgeActionResultsRequest all;
  all.set_all(true);
  CAF_REQUIRE(purge(all).ok());
  CAF_CHECK_EQUAL(answer.removed_results(), 1);
  CAF_CHECK(!has("b"));
}

CAF_TEST(a purge without a condition and one that makes no sense are refused in words) {
  store("a", "one", "");
  const auto refused = [&](const PurgeActionResultsRequest& request, const std::string& why) {
    const auto status = purge(request);
    CAF_MESSAGE(status.error_message());
    CAF_CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CAF_CHECK(contains(status.error_message(), why));
  };
  PurgeActionResultsRequest request;
  refused(request, "Name a worker, a mnemonic or a time");
  request.set_worker("one");
  request.set_all(true);
  refused(request, "no other condition");
  request.set_all(false);
  request.set_instance_name("other");
  refused(request, "other");
  request.clear_instance_name();
  request.mutable_stored_before()->set_seconds(-1);
  refused(request, "stored_before");
  request.mutable_stored_before()->set_seconds(1'000);
  request.mutable_stored_after()->set_seconds(1'000);
  refused(request, "no result can have been stored then");
  CAF_CHECK(has("a"));
}

CAF_TEST(a purge hears when its client has gone) {
  mailbox<std::shared_ptr<const std::atomic<bool>>> heard;
  mailbox<reply<purge_report>> answers;
  context->action_cache =
      fake<action_cache_actor>([&](const purge_results& x, const reply<purge_report>& to) {
        answers.put(to);
        heard.put(x.given_up);
      });
  PurgeActionResultsRequest request;
  request.set_all(true);
  client_context call;
  std::thread gone([&] {
    const auto given_up = heard.take();
    CAF_CHECK(!*given_up);
    call.TryCancel();
    while (!*given_up)
      std::this_thread::yield();
    answers.take()(absl::CancelledError("nobody waits"));
  });
  CAF_CHECK(stub<admin::v1::Admin>()->PurgeActionResults(&call, request, &answer).error_code()
            == grpc::StatusCode::CANCELLED);
  gone.join();
}

CAF_TEST_FIXTURE_SCOPE_END()
