#pragma once
#include "services/service_context.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <functional>

namespace expbuild {

/// Asks scheduler, supervisor, CAS and sentinel how they are, and calls `done` once with the daemon
/// at a glance, on one of their threads. What an actor did not answer stays zero.
void report_status(const context_ptr& context, std::function<void(admin::v1::Status)> done);

/// The same for people and scripts: one JSON object.
std::string status_json(const admin::v1::Status& status, bool serving);

} // namespace expbuild
