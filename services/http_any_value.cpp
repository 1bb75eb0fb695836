#include "services/http_any_value.hpp"

namespace expbuild {

namespace {

/// No worker has such a name.
constexpr char marker[] = "expbuild/value";

} // namespace

absl::StatusOr<reapi::ActionResult> parse_result(std::string_view bytes) {
  reapi::ActionResult result;
  if (!result.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return absl::InvalidArgumentError("what was sent is no ActionResult (binary protobuf)");
  auto known = result;
  known.DiscardUnknownFields();
  if (known.ByteSizeLong() == 0)
    return absl::InvalidArgumentError("what was sent is no ActionResult: nothing in it is known");
  return result;
}

reapi::ActionResult result_for_value(const digest& value) {
  reapi::ActionResult x;
  x.mutable_execution_metadata()->set_worker(marker);
  *x.mutable_stdout_digest() = value.to_proto();
  return x;
}

std::optional<digest> value_of(const reapi::ActionResult& result, digest_function function) {
  if (result.execution_metadata().worker() != marker)
    return std::nullopt;
  const auto value = digest::from_proto(result.stdout_digest(), function);
  return value.ok() ? std::optional(*value) : std::nullopt;
}

} // namespace expbuild
