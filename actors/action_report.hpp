#pragma once
#include "actors/metrics.hpp"
#include "actors/operation_messages.hpp"

#include <absl/status/status.h>

#include <string>

namespace expbuild {

// How the end of an action is told: to meters and operators, to its clients, and in the log.

/// `result` may be null.
action_outcome outcome_of(const absl::Status& status, const reapi::ActionResult* result,
                          bool from_cache);

/// What clients show beside a failure: where it ran, and how to look at it. `pages` is where
/// clients can look at an action, without a slash at its end; empty: nowhere.
std::string failure_message(const digest& action, const reapi::ExecutedActionMetadata& metadata,
                            const std::string& pages);

/// One line about an action that has ended, for the log: which, for whom, where, how, how long.
/// What clients say about themselves is cut and cleaned of control characters.
std::string report_of(const digest& action, const request_metadata& asker,
                      const absl::Status& status, const reapi::ExecuteResponse& response,
                      const reapi::ExecutedActionMetadata& metadata);

} // namespace expbuild
