#include "actors/full_queue.hpp"

#include "actors/retry.hpp"

#include <algorithm>
#include <string>

namespace expbuild {

namespace {

constexpr auto first_guess = std::chrono::seconds(1);
constexpr auto longest_guess = std::chrono::seconds(60);

/// RetryInfo counts in seconds: at least one, and never so many that nobody would come back.
std::chrono::seconds retry_delay(std::chrono::nanoseconds estimate) {
  return std::clamp(std::chrono::ceil<std::chrono::seconds>(estimate), first_guess, longest_guess);
}

} // namespace

absl::Status full_queue(std::size_t waiting, std::optional<std::chrono::nanoseconds> per_job) {
  auto text = "all workers are busy and " + std::to_string(waiting)
              + " actions wait already (execution.pool.max_queue_size)";
  if (per_job)
    text += "; a place becomes free about every "
            + std::to_string(std::chrono::ceil<std::chrono::milliseconds>(*per_job).count())
            + " ms";
  return retry_later(absl::ResourceExhaustedError(text),
                     retry_delay(per_job.value_or(std::chrono::seconds(0))));
}

} // namespace expbuild
