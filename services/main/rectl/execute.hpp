#pragma once
#include "services/main/rectl/client.hpp"

#include <chrono>
#include <functional>
#include <optional>

namespace expbuild {

/// How an execution is to be asked for.
struct execute_options {
  bool skip_cache_lookup = false;
  /// How long the caller waits; then it is cancelled, and DEADLINE_EXCEEDED.
  std::optional<std::chrono::seconds> patience = {};
  /// Hears the operation's name and stage, again and again.
  std::function<void(const std::string&, reapi::ExecutionStage::Value)> progress = {};
};

/// Runs an action whose blobs are uploaded, and waits for its end. A lost stream is taken up again
/// by WaitExecution. The error is that of the call; an ExecuteResponse carries its own status.
absl::StatusOr<reapi::ExecuteResponse> execute_remote(client& on, const digest& action,
                                                      const execute_options& options);

/// Ends an operation.
absl::Status cancel_remote(client& on, const std::string& operation);

} // namespace expbuild
