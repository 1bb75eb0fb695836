#pragma once
#include "services/service_context.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <absl/status/statusor.h>

#include <functional>
#include <string>

namespace expbuild {

/// Everything that is known of one action: from recorder, CAS and action cache. Calls `done` once,
/// on any thread. NOT_FOUND for one of which nothing is known; what is only in part known says so
/// in its notes.
void detail_action(const context_ptr& context, const std::string& query,
                   std::function<void(absl::StatusOr<admin::v1::ActionDetails>)> done);

} // namespace expbuild
