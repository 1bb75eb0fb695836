#define CAF_SUITE services.action_cache
#include "storage/missing.hpp"
#include "test/services/fixture.hpp"

#include "google/rpc/status.pb.h"

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : service_fixture {
  const digest action = digest::of("an action");

  struct answered {
    grpc::Status status;
    reapi::ActionResult result;
  };

  answered get(const std::function<void(reapi::GetActionResultRequest&)>& change = {}) {
    client_context call;
    reapi::GetActionResultRequest request;
    *request.mutable_action_digest() = action.to_proto();
    if (change)
      change(request);
    answered x;
    x.status = stub<reapi::ActionCache>()->GetActionResult(&call, request, &x.result);
    return x;
  }

  answered update(const reapi::ActionResult& result) {
    client_context call;
    reapi::UpdateActionResultRequest request;
    *request.mutable_action_digest() = action.to_proto();
    *request.mutable_action_result() = result;
    answered x;
    x.status = stub<reapi::ActionCache>()->UpdateActionResult(&call, request, &x.result);
    return x;
  }

  static reapi::ActionResult result_with(const digest& file, const digest& output) {
    reapi::ActionResult result;
    auto& x = *result.add_output_files();
    x.set_path("out");
    *x.mutable_digest() = file.to_proto();
    *result.mutable_stdout_digest() = output.to_proto();
    return result;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(action_cache_tests, fixture)

CAF_TEST(a true miss is NOT_FOUND) {
  CAF_CHECK(get().status.error_code() == grpc::StatusCode::NOT_FOUND);
}

CAF_TEST(what a permitted client stored is returned) {
  const auto stored = update(result_with(put("file"), put("text")));
  CAF_REQUIRE(stored.status.ok());
  CAF_CHECK_EQUAL(stored.result.output_files(0).path(), "out");
  const auto found = get();
  CAF_REQUIRE(found.status.ok());
  CAF_CHECK_EQUAL(found.result.output_files(0).digest().hash(), digest::of("file").hash());
}

CAF_TEST(a result is inlined as far as it is asked for and no further) {
  CAF_REQUIRE(update(result_with(put("file"), put("text"))).status.ok());
  const auto plain = get().result;
  CAF_CHECK_EQUAL(plain.stdout_raw(), "");
  CAF_CHECK_EQUAL(plain.output_files(0).contents(), "");
  const auto inlined = get([](auto& request) {
                         request.set_inline_stdout(true);
                         request.add_inline_output_files("out");
                       }).result;
  CAF_CHECK_EQUAL(inlined.stdout_raw(), "text");
  CAF_CHECK_EQUAL(inlined.output_files(0).contents(), "file");
}

CAF_TEST(a result whose blobs are missing can not be stored and they are named) {
  const auto x = update(result_with(digest::of("gone"), put("text")));
  CAF_CHECK(x.status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  google::rpc::Status details;
  CAF_REQUIRE(details.ParseFromString(x.status.error_details()));
  CAF_CHECK_EQUAL(details.details_size(), 1);
  CAF_CHECK(contains(x.status.error_details(), digest::of("gone").to_resource()));
}

CAF_TEST(a server that takes no results from clients says PERMISSION_DENIED) {
  context->action_cache_update_enabled = false;
  const auto x = update(result_with(put("file"), put("text")));
  CAF_CHECK(x.status.error_code() == grpc::StatusCode::PERMISSION_DENIED);
  CAF_CHECK(contains(x.status.error_message(), "action_cache_update_enabled"));
  CAF_CHECK(get().status.error_code() == grpc::StatusCode::NOT_FOUND);
}

CAF_TEST(a malformed action digest is INVALID_ARGUMENT) {
  const auto x = get([](auto& request) { request.mutable_action_digest()->set_hash("short"); });
  CAF_CHECK(x.status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

CAF_TEST(the answer to an update stays below what clients receive) {
  auto result = result_with(put("file"), put("text"));
  result.set_stderr_raw(std::string(5 << 20, 'e'));
  const auto x = update(result);
  CAF_REQUIRE(x.status.ok());
  CAF_CHECK_EQUAL(x.result.stderr_raw(), "");
  CAF_CHECK_EQUAL(x.result.output_files_size(), 1);
}

CAF_TEST_FIXTURE_SCOPE_END()
