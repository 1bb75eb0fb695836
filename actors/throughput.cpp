#include "actors/throughput.hpp"

namespace expbuild {

void throughput::job_ended(time_point now) {
  ends_.push_back(now);
  if (ends_.size() > remembered)
    ends_.pop_front();
}

std::optional<std::chrono::nanoseconds> throughput::per_job(time_point now) const {
  if (ends_.size() < 2)
    return std::nullopt;
  return (now - ends_.front()) / static_cast<long>(ends_.size());
}

} // namespace expbuild
