#include "actors/responses.hpp"

namespace expbuild {

std::shared_ptr<const reapi::ExecuteResponse>
make_execute_response(const absl::Status& status, const reapi::ActionResult* result,
                      bool from_cache) {
  auto response = std::make_shared<reapi::ExecuteResponse>();
  auto& wire = *response->mutable_status();
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(std::string(status.message()));
  status.ForEachPayload([&wire](absl::string_view type, const absl::Cord& value) {
    auto& detail = *wire.add_details();
    detail.set_type_url(std::string(type));
    detail.set_value(std::string(value));
  });
  if (result != nullptr)
    *response->mutable_result() = *result;
  response->set_cached_result(from_cache);
  return response;
}

void set_time(google::protobuf::Timestamp& to, std::chrono::system_clock::time_point time) {
  const auto ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  to.set_seconds(ns / 1'000'000'000);
  to.set_nanos(static_cast<std::int32_t>(ns % 1'000'000'000));
}

} // namespace expbuild
