#pragma once
#include "actors/messages.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <vector>

namespace expbuild {

/// What the actors said of themselves.
struct house_state {
  scheduler_stats scheduling;
  std::vector<worker_status> slots;
  std::vector<action_snapshot> waiting; ///< queued actions, or the first of them
  cas_stats stored;
  std::vector<stall> stalls;
};

/// What is wrong with it, in words, the worst first. Plain data in, words out.
std::vector<admin::v1::Problem> problems_of(const house_state& x,
                                            std::chrono::system_clock::time_point now);

} // namespace expbuild
