#pragma once
#include "actors/messages.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <string>
#include <vector>

namespace expbuild {

/// Why an action that wants certain properties is on no worker.
struct waiting_reason {
  std::string sentence;
  std::string next_step;    ///< empty: it is only a matter of time
  bool is_hopeless = false; ///< no worker that there is, or that is on its way, could run it
  std::vector<admin::v1::WorkerMismatch> mismatches = {}; ///< every kind of worker
};

/// `live` are the workers that the scheduler knows, `all` the supervisor's view of every slot.
/// Plain data in, words out.
waiting_reason why_it_waits(const platform_properties& wanted,
                            const std::vector<worker_status>& live,
                            const std::vector<worker_status>& all);

} // namespace expbuild
