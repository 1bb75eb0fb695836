#pragma once
#include "services/service_context.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <absl/status/statusor.h>

#include <functional>

namespace expbuild {

/// A page of live actions and those that ended lately; of each that waits, why. Calls `done` once,
/// on any thread. INVALID_ARGUMENT for a filter or a page token that is none.
void list_all_actions(const context_ptr& context, const admin::v1::ListActionsRequest& request,
                      std::function<void(absl::StatusOr<admin::v1::ActionList>)> done);

/// Every actor by its name, with its mailbox; workers with what the supervisor knows of them.
void list_actors(const context_ptr& context, std::function<void(admin::v1::ActorList)> done);

/// Drains, undrains or restarts workers. NOT_FOUND when there is none of these names.
void control_workers(const context_ptr& context, const admin::v1::ControlWorkersRequest& request,
                     std::function<void(absl::StatusOr<admin::v1::ControlWorkersResponse>)> done);

} // namespace expbuild
