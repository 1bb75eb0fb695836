#include "storage/disk/committer.hpp"

#include <pthread.h>

namespace expbuild {

committer::committer(std::chrono::milliseconds interval, std::function<void()> round)
    : interval_(interval), round_(std::move(round)) {
  if (interval_.count() == 0)
    return;
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "store-commit");
}

committer::~committer() {
  {
    const std::lock_guard lock(guard_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

void committer::ask() {
  {
    const std::lock_guard lock(guard_);
    if (asked_)
      return;
    asked_ = true;
  }
  changed_.notify_all();
}

void committer::hurry() {
  {
    const std::lock_guard lock(guard_);
    asked_ = in_a_hurry_ = true;
  }
  changed_.notify_all();
}

void committer::run() {
  std::unique_lock lock(guard_);
  for (;;) {
    changed_.wait(lock, [this] { return asked_ || stopping_; });
    if (!asked_)
      return;
    changed_.wait_for(lock, interval_, [this] { return in_a_hurry_ || stopping_; });
    asked_ = in_a_hurry_ = false;
    lock.unlock();
    round_();
    lock.lock();
  }
}

} // namespace expbuild
