#include "services/main/alarm_signal.hpp"

#include <algorithm>

namespace expbuild {

alarm_signal::alarm_signal(int signal) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = signal;
  is_made_ = ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
}

alarm_signal::~alarm_signal() {
  if (is_made_)
    ::timer_delete(timer_);
}

void alarm_signal::ring_after(std::chrono::nanoseconds time) {
  constexpr std::chrono::nanoseconds at_once{1}; // 0 would switch it off
  const auto wait = std::max(time, at_once);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  const itimerspec when{.it_interval = {}, .it_value = {seconds.count(), (wait - seconds).count()}};
  if (is_made_)
    ::timer_settime(timer_, 0, &when, nullptr);
}

} // namespace expbuild
