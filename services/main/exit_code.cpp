#include "services/main/exit_code.hpp"

#include <absl/strings/cord.h>

namespace expbuild {

namespace {

constexpr const char* payload = "expbuild/exit-code";

} // namespace

absl::Status with_exit_code(absl::Status status, exit_code code) {
  status.SetPayload(payload, absl::Cord(std::to_string(code)));
  return status;
}

exit_code exit_code_of(const absl::Status& status) {
  const auto told = status.GetPayload(payload);
  return told ? static_cast<exit_code>(std::stoi(std::string(*told))) : can_not_start;
}

} // namespace expbuild
