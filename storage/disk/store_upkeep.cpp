#include "storage/disk/store_upkeep.hpp"

#include <pthread.h>

namespace expbuild {

void store_upkeep::start(const char* thread_name, std::function<void()> work) {
  if (thread_name == nullptr)
    return work();
  thread_ = std::thread(std::move(work));
  ::pthread_setname_np(thread_.native_handle(), thread_name);
}

void store_upkeep::reached(stage x) {
  {
    const std::lock_guard lock(guard_);
    stage_ = x;
  }
  changed_.notify_all();
}

void store_upkeep::wait_for(stage x) {
  std::unique_lock lock(guard_);
  changed_.wait(lock, [this, x] { return has_reached(x) || stopping_; });
}

bool store_upkeep::rest(std::chrono::milliseconds time) {
  std::unique_lock lock(guard_);
  return !changed_.wait_for(lock, time, [this] { return stopping_.load(); });
}

absl::Status store_upkeep::insist(const std::function<absl::Status()>& look,
                                  std::chrono::milliseconds pause) {
  constexpr int most_looks = 5;
  auto status = look();
  for (int looks = 1; !status.ok() && looks < most_looks && rest(pause); ++looks)
    status = look();
  return status;
}

void store_upkeep::stop() {
  {
    const std::lock_guard lock(guard_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

} // namespace expbuild
