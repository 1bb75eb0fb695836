#pragma once
#include <absl/status/status.h>

#include <chrono>

namespace expbuild {

/// The status with a google.rpc.RetryInfo detail: when it makes sense to try again.
absl::Status retry_later(absl::Status status, std::chrono::seconds delay);

} // namespace expbuild
