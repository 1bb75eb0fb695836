#include "services/main/watchdog.hpp"

#include "actors/log.hpp"
#include "services/main/exit_code.hpp"

#include <unistd.h>

namespace expbuild {

watchdog::watchdog() : thread_([this] { run(); }) {}

watchdog::~watchdog() {
  {
    const std::lock_guard lock(guard_);
    done_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void watchdog::allow(std::string step, std::chrono::milliseconds limit) {
  {
    const std::lock_guard lock(guard_);
    step_ = std::move(step);
    deadline_ = std::chrono::steady_clock::now() + limit;
  }
  changed_.notify_all();
}

void watchdog::run() {
  std::unique_lock lock(guard_);
  while (!done_) {
    if (deadline_ == std::chrono::steady_clock::time_point::max()) {
      changed_.wait(lock);
      continue;
    }
    const auto deadline = deadline_;
    const bool expired = changed_.wait_until(lock, deadline) == std::cv_status::timeout;
    if (!expired || done_ || deadline != deadline_)
      continue;
    log_of("server").critical("stopping hangs at this step: {}; the process ends now", step_);
    ::_exit(hangs);
  }
}

} // namespace expbuild
