#pragma once
#include <absl/status/status.h>

namespace expbuild {

/// How HTTP says it. `when_full`: 507 where something was to be stored, else "try again".
inline int http_status_of(absl::StatusCode code, int when_full = 503) {
  switch (code) {
  case absl::StatusCode::kOk:
    return 200;
  case absl::StatusCode::kInvalidArgument:
    return 400;
  case absl::StatusCode::kPermissionDenied:
    return 403;
  case absl::StatusCode::kNotFound:
    return 404;
  case absl::StatusCode::kFailedPrecondition:
    return 409;
  case absl::StatusCode::kResourceExhausted:
    return when_full;
  case absl::StatusCode::kUnavailable:
  case absl::StatusCode::kAborted:
    return 503;
  default:
    return 500;
  }
}

} // namespace expbuild
