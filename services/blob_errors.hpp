#pragma once
#include "services/service_context.hpp"

#include <absl/status/status.h>

namespace expbuild {

/// What a client is told when reading a blob failed. A damaged blob counts as absent: the cas actor
/// is told, so that it is asked for again, and the status becomes NOT_FOUND.
absl::Status read_failure(const service_context& context, const digest& id,
                          const absl::Status& status);

} // namespace expbuild
