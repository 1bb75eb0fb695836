#pragma once
#include <chrono>
#include <signal.h>
#include <time.h>

namespace expbuild {

/// Sends the process a signal when a time is over: for a thread that waits for signals anyway. The
/// signal is blocked in every thread, or it ends the process.
class alarm_signal {
public:
  explicit alarm_signal(int signal);
  ~alarm_signal();
  alarm_signal(const alarm_signal&) = delete;
  alarm_signal& operator=(const alarm_signal&) = delete;

  /// Instead of what was set before. Any thread.
  void ring_after(std::chrono::nanoseconds time);

private:
  timer_t timer_{};
  bool is_made_ = false; ///< false where the system had no timer left: then it never rings
};

} // namespace expbuild
