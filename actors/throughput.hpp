#pragma once
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

namespace expbuild {

/// How fast jobs have ended lately, from the last of them. Plain data, no clock.
class throughput {
public:
  using time_point = std::chrono::steady_clock::time_point;

  void job_ended(time_point now);

  /// The average time from one end to the next; nullopt before two have ended.
  std::optional<std::chrono::nanoseconds> per_job(time_point now) const;

private:
  static constexpr std::size_t remembered = 64;
  std::deque<time_point> ends_;
};

} // namespace expbuild
