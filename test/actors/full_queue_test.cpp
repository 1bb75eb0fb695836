#define CAF_SUITE actors.full_queue
#include "actors/full_queue.hpp"

#include "google/rpc/error_details.pb.h"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace std::chrono_literals;

namespace {

std::int64_t retry_seconds(const absl::Status& status) {
  google::rpc::RetryInfo info;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.RetryInfo");
  CAF_REQUIRE(payload.has_value());
  CAF_CHECK(info.ParseFromString(std::string(*payload)));
  return info.retry_delay().seconds();
}

} // namespace

CAF_TEST(who finds the queue full comes back when a place becomes free) {
  const auto status = full_queue(7, 2500ms);
  CAF_CHECK(absl::IsResourceExhausted(status));
  const std::string text(status.message());
  CAF_CHECK(text.find("7 actions wait already") != std::string::npos);
  CAF_CHECK(text.find("about every 2500 ms") != std::string::npos);
  CAF_CHECK_EQUAL(retry_seconds(status), 3);
}

CAF_TEST(nobody is told to come back sooner than in a second or later than in a minute) {
  CAF_CHECK_EQUAL(retry_seconds(full_queue(7, std::nullopt)), 1);
  CAF_CHECK_EQUAL(retry_seconds(full_queue(7, 1us)), 1);
  CAF_CHECK_EQUAL(retry_seconds(full_queue(7, 1h)), 60);
  CAF_CHECK(std::string(full_queue(7, std::nullopt).message()).find("becomes free")
            == std::string::npos);
}
