#include "actors/responses.hpp"

#include "google/rpc/error_details.pb.h"

namespace expbuild {

namespace {

constexpr std::size_t max_details_bytes = 3 << 20;

/// A client that hears of some missing blobs uploads them and comes back for the rest; a message
/// that is too large tells it nothing.
void cut_to_fit(google::rpc::Status& status) {
  for (auto& detail : *status.mutable_details()) {
    google::rpc::PreconditionFailure all;
    if (detail.value().size() <= max_details_bytes || !detail.UnpackTo(&all))
      continue;
    const auto each = detail.value().size() / static_cast<std::size_t>(all.violations_size()) + 1;
    const auto kept = static_cast<int>(max_details_bytes / each);
    all.mutable_violations()->DeleteSubrange(kept, all.violations_size() - kept);
    detail.PackFrom(all);
  }
}

} // namespace

std::shared_ptr<reapi::ExecuteResponse>
make_execute_response(const absl::Status& status, const reapi::ActionResult* result,
                      const reapi::ExecutedActionMetadata& metadata) {
  auto response = std::make_shared<reapi::ExecuteResponse>();
  auto& wire = *response->mutable_status();
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(std::string(status.message()));
  status.ForEachPayload([&wire](absl::string_view type, const absl::Cord& value) {
    auto& detail = *wire.add_details();
    detail.set_type_url(std::string(type));
    detail.set_value(std::string(value));
  });
  cut_to_fit(wire);
  if (result == nullptr)
    return response;
  *response->mutable_result() = *result;
  *response->mutable_result()->mutable_execution_metadata() = metadata;
  return response;
}

void set_time(google::protobuf::Timestamp& to, std::chrono::system_clock::time_point time) {
  const auto ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  to.set_seconds(ns / 1'000'000'000);
  to.set_nanos(static_cast<std::int32_t>(ns % 1'000'000'000));
}

} // namespace expbuild
