#pragma once
#include <absl/status/status.h>

#include <chrono>
#include <cstddef>
#include <optional>

namespace expbuild {

/// What an action hears that comes when `waiting` others wait already: RESOURCE_EXHAUSTED with a
/// RetryInfo. `per_job` is the time from one end of a job to the next, where it is known: so often
/// a place becomes free.
absl::Status full_queue(std::size_t waiting, std::optional<std::chrono::nanoseconds> per_job);

} // namespace expbuild
