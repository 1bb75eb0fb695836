#pragma once
#include "actors/job.hpp"
#include "storage/backend.hpp"

#include "expbuild/admin/v1/admin.pb.h"

namespace expbuild {

/// Names how two actions differ, at most `limit` times: arguments, environment, platform, outputs,
/// timeout, then inputs by their paths. Says so in `to` where it can not be known any more. Blocks:
/// I/O pool.
void compare_actions(backend& store, const loaded_action& before, const loaded_action& after,
                     std::size_t limit, admin::v1::Explanation& to);

} // namespace expbuild
