#pragma once
#include "actors/messages.hpp"

#include <absl/status/status.h>

#include <string>

namespace expbuild {

/// One line about an action that has ended, for the log: which, for whom, where, how, how long.
/// What clients say about themselves is cut and cleaned of control characters.
std::string report_of(const digest& action, const request_metadata& asker,
                      const absl::Status& status, const reapi::ExecuteResponse& response,
                      const reapi::ExecutedActionMetadata& metadata);

} // namespace expbuild
