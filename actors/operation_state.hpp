#pragma once
#include "actors/stream_sink.hpp"
#include "storage/digest.hpp"
#include "storage/inlining.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace expbuild {

enum class execution_stage : std::uint8_t {
  cache_check = 1,
  queued = 2,
  executing = 3,
  completed = 4
};

/// What a watcher of one operation sees: the latest state, not the history.
struct operation_state {
  std::string name;
  digest action;
  execution_stage stage = execution_stage::queued;
  reapi::ExecutedActionMetadata metadata; ///< as far as it is known
  /// Set exactly when stage is completed.
  std::shared_ptr<const reapi::ExecuteResponse> response;
  /// What the Execute that got this name wanted inlined.
  inline_request inlined = {};
};
using operation_sink = stream_sink<operation_state>;

} // namespace expbuild
