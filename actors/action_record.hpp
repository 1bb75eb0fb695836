#pragma once
#include "actors/metrics.hpp"
#include "actors/operation_messages.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace expbuild {

/// What is known of one action, live or ended.
struct action_record {
  std::uint64_t execution = 0; ///< rises with the age
  std::uint64_t trace = 0;
  digest action;
  std::vector<std::string> operations; ///< of every Execute that joined, the first first
  request_metadata asker;              ///< of the first
  execution_stage stage = execution_stage::cache_check;
  std::chrono::system_clock::time_point began;
  unsigned moves = 0; ///< stages that it has reached; tells whether it moves on
  std::string worker;
  unsigned attempts = 0;
  std::vector<lost_attempt> lost;
  /// Why the action cache did not answer it; empty: it did, or was not asked yet.
  std::string why_not_cached;
  /// What it is to run, while it lives; null when that could not be read.
  std::shared_ptr<const loaded_action> loaded;
  /// The action of the same target, mnemonic and outputs that came before.
  std::optional<digest> before;

  // From its end on.
  std::optional<action_outcome> outcome;
  std::chrono::system_clock::time_point ended;
  absl::Status status;       ///< code and message, without details
  std::size_t missing = 0;   ///< blobs that were not stored here
  std::string first_missing; ///< of these; empty: none
  /// Times are set as far as they are known; of a live action, too.
  reapi::ExecutedActionMetadata metadata;
  int exit_code = 0;
  cached_result result; ///< null: there is none, or it is no longer kept here

  bool is_live() const noexcept { return !outcome; }
  bool has_failed() const noexcept {
    return outcome && *outcome != action_outcome::success && *outcome != action_outcome::cache_hit;
  }
};
using action_snapshot = std::shared_ptr<const action_record>;

/// Equal for Commands that make the same outputs. 0 for one that makes none.
std::uint64_t outputs_key(const reapi::Command& command);

/// "success", "cache_hit", ...: as in metrics and filters.
std::string_view to_string(action_outcome x);

} // namespace expbuild
