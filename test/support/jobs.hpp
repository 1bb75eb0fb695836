#pragma once
#include "actors/job.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace expbuild::test {

/// A job as the scheduler gets it, without a store.
inline job_ptr make_job(std::uint64_t execution, std::int32_t priority = 0,
                        platform_properties platform = {}) {
  auto action = std::make_shared<loaded_action>();
  action->id = digest::of(std::to_string(execution));
  action->platform = std::move(platform);
  action->timeout = std::chrono::seconds(1);
  auto work = std::make_shared<job>();
  work->execution = execution;
  work->action = std::move(action);
  work->priority = priority;
  return work;
}

} // namespace expbuild::test
