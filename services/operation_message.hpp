#pragma once
#include "actors/messages.hpp"

#include "google/longrunning/operations.pb.h"

namespace expbuild {

/// The state as the wire tells it: metadata always there, done exactly when completed, and then
/// with an ExecuteResponse. Errors stand in that response, never in `Operation.error`.
google::longrunning::Operation to_operation(const operation_state& state);

} // namespace expbuild
