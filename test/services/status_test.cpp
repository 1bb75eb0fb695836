#define CAF_SUITE services.status
#include "services/status.hpp"

#include "google/rpc/error_details.pb.h"
#include "storage/missing.hpp"

#include <absl/strings/cord.h>
#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

google::rpc::Status details_of(const grpc::Status& status) {
  google::rpc::Status wire;
  CAF_REQUIRE(wire.ParseFromString(status.error_details()));
  return wire;
}

} // namespace

CAF_TEST(code and text arrive unchanged) {
  CAF_CHECK(to_grpc(absl::OkStatus()).ok());
  const auto status = to_grpc(absl::NotFoundError("no such thing"));
  CAF_CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
  CAF_CHECK_EQUAL(status.error_message(), "no such thing");
  CAF_CHECK_EQUAL(status.error_details(), "");
}

CAF_TEST(payloads arrive as details) {
  const auto status =
      to_grpc(missing_blobs_error("running it", {digest::of("a"), digest::of("b")}));
  const auto wire = details_of(status);
  CAF_CHECK_EQUAL(wire.code(), static_cast<int>(grpc::StatusCode::FAILED_PRECONDITION));
  CAF_REQUIRE_EQUAL(wire.details_size(), 1);
  google::rpc::PreconditionFailure failure;
  CAF_REQUIRE(wire.details(0).UnpackTo(&failure));
  CAF_REQUIRE_EQUAL(failure.violations_size(), 2);
  CAF_CHECK_EQUAL(failure.violations(0).type(), "MISSING");
  CAF_CHECK_EQUAL(failure.violations(0).subject(), digest::of("a").to_resource());
}

CAF_TEST(details that metadata can not carry are left out) {
  const std::vector<digest> many(200, digest::of("x"));
  const auto status = to_grpc(missing_blobs_error("running it", many));
  CAF_CHECK(status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  CAF_CHECK(status.error_message().find("200 blob(s)") != std::string::npos);
  CAF_CHECK_EQUAL(status.error_details(), "");
}

CAF_TEST(a very long text is cut) {
  const auto status = to_grpc(absl::InternalError(std::string(50'000, 'x')));
  CAF_CHECK(status.error_message().size() < 2000);
}
