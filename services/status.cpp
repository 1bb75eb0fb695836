#include "services/status.hpp"

#include <absl/strings/cord.h>

#include <string>

namespace expbuild {

namespace {

constexpr std::size_t max_detail_bytes = 6144;
constexpr std::size_t max_text_bytes = 1024;

std::string shortened(std::string text) {
  if (text.size() <= max_text_bytes)
    return text;
  text.resize(max_text_bytes);
  return text + "...";
}

} // namespace

google::rpc::Status to_rpc_status(const absl::Status& x) {
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(x.code()));
  wire.set_message(std::string(x.message()));
  x.ForEachPayload([&wire](absl::string_view type, const absl::Cord& value) {
    auto& detail = *wire.add_details();
    detail.set_type_url(std::string(type));
    detail.set_value(std::string(value));
  });
  return wire;
}

grpc::Status to_grpc(const absl::Status& x) {
  if (x.ok())
    return grpc::Status::OK;
  auto wire = to_rpc_status(x);
  wire.set_message(shortened(wire.message()));
  while (wire.details_size() > 0 && wire.ByteSizeLong() > max_detail_bytes)
    wire.mutable_details()->RemoveLast();
  const auto code = static_cast<grpc::StatusCode>(wire.code());
  if (wire.details_size() == 0)
    return {code, wire.message()};
  return {code, wire.message(), wire.SerializeAsString()};
}

} // namespace expbuild
