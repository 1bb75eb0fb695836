#pragma once
#include "actors/messages.hpp"

#include <absl/status/statusor.h>

#include <string>

namespace expbuild {

/// The filter of ListOperations: empty, or terms joined by " AND ", each `done=true`, `done=false`
/// or `stage=STAGE` with a stage of the protocol (CACHE_CHECK, QUEUED, EXECUTING, COMPLETED).
/// INVALID_ARGUMENT names the term that is none of these.
absl::StatusOr<operation_filter> parse_operation_filter(const std::string& text);

} // namespace expbuild
