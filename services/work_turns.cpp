#include "services/work_turns.hpp"

#include <utility>

namespace expbuild {

bool work_turns::take(std::function<void(turn)> begin) {
  std::unique_lock lock(guard_);
  if (active_ >= at_once_ && line_.size() >= may_wait_)
    return false;
  line_.push_back(std::move(begin));
  serve(std::move(lock));
  return true;
}

void work_turns::leave() {
  std::unique_lock lock(guard_);
  --active_;
  serve(std::move(lock));
}

/// One thread serves the line. A turn that ends while it does so only says so: however long the
/// line, and however short the turns, nobody calls anybody deeper and deeper.
void work_turns::serve(std::unique_lock<std::mutex> lock) {
  if (serving_)
    return;
  serving_ = true;
  while (active_ < at_once_ && !line_.empty()) {
    ++active_;
    auto begin = std::move(line_.front());
    line_.pop_front();
    lock.unlock();
    begin(turn(this, [me = shared_from_this()](const void*) { me->leave(); }));
    begin = nullptr; // what it holds may hold a turn
    lock.lock();
  }
  serving_ = false;
}

std::size_t work_turns::active() const {
  const std::lock_guard lock(guard_);
  return active_;
}

std::size_t work_turns::waiting() const {
  const std::lock_guard lock(guard_);
  return line_.size();
}

} // namespace expbuild
