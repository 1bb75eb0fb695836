#pragma once
#include <chrono>
#include <cstdint>
#include <deque>

namespace expbuild {

struct restart_options {
  std::chrono::milliseconds first_pause{100}; ///< doubles with each failure in a row
  std::chrono::milliseconds longest_pause{30'000};
  std::chrono::milliseconds quiet{60'000};      ///< without failure: pauses start anew
  std::size_t intensity = 10;                   ///< more failures than this ...
  std::chrono::milliseconds window{60'000};     ///< ... within this: quarantine
  std::chrono::milliseconds quarantine{60'000}; ///< then one more try
};

/// When to restart a worker that has failed: exponential backoff with full jitter, reset after a
/// quiet minute, quarantine above a restart intensity. Plain data; the caller brings time and
/// chance.
class restart_policy {
public:
  using time_point = std::chrono::steady_clock::time_point;

  struct decision {
    std::chrono::milliseconds pause{0};
    bool quarantined = false;
  };

  explicit restart_policy(restart_options options) : options_(options) {}

  /// `chance` in [0, 1) picks the pause.
  decision after_failure(time_point now, double chance);

private:
  restart_options options_;
  std::deque<time_point> failures_; // at most intensity + 1
  unsigned in_a_row_ = 0;
};

} // namespace expbuild
