#pragma once
#include "actors/job.hpp"
#include "storage/backend.hpp"

#include <absl/status/statusor.h>

#include <memory>
#include <optional>

namespace expbuild {

struct action_loader_options {
  std::chrono::nanoseconds default_timeout{std::chrono::hours{1}};
  std::chrono::nanoseconds max_timeout{std::chrono::hours{24}};
  std::int64_t max_message_bytes = 64 << 20; ///< an Action or a Command
};

/// Reads an Action and its Command from the store and checks what can be checked without inputs.
/// FAILED_PRECONDITION (missing_blobs_error) when one is absent; INVALID_ARGUMENT names the blob
/// and the field: not a message, no arguments, a malformed digest, a timeout that is negative or
/// above the maximum. Blocks: I/O pool.
absl::StatusOr<std::shared_ptr<const loaded_action>>
load_action(backend& store, const digest& action, const action_loader_options& options);

/// The same without waiting for a disk: nullopt when a blob is not in memory.
std::optional<absl::StatusOr<std::shared_ptr<const loaded_action>>>
load_action_from_memory(backend& store, const digest& action, const action_loader_options& options);

} // namespace expbuild
