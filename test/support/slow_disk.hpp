#pragma once
#include "storage/disk/disk_calls.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace expbuild::test {

/// The kernel's calls, but that a sync takes for as long as the test likes.
class slow_disk : public disk_calls {
public:
  ~slow_disk() override { let_go(); }

  /// From now on syncs wait.
  void hold() {
    const std::lock_guard lock(guard_);
    held_ = true;
  }

  /// They all end, and later ones take no time.
  void let_go() {
    {
      const std::lock_guard lock(guard_);
      held_ = false;
    }
    changed_.notify_all();
  }

  /// So many syncs wait at the same time. False when it does not come to that.
  bool wait_for_syncs(int count) {
    std::unique_lock lock(guard_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return waiting_ >= count; });
  }

  int sync(int) override { // nobody cuts the power in a test
    std::unique_lock lock(guard_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    --waiting_;
    return 0;
  }

private:
  std::mutex guard_;
  std::condition_variable changed_;
  bool held_ = false;
  int waiting_ = 0;
};

} // namespace expbuild::test
