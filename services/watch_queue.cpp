#include "services/watch_queue.hpp"

#include "services/action_messages.hpp"

#include <atomic>

namespace expbuild {

using admin::v1::WatchEvent;

std::uint64_t new_watcher() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

void watch_queue::update(action_snapshot latest) {
  std::vector<WatchEvent> one(1);
  *one.front().mutable_action() = describe(*latest);
  push(std::move(one));
}

void watch_queue::finish(absl::Status status) {
  {
    const std::lock_guard lock(guard_);
    ended_ = std::move(status);
  }
  wake_();
}

void watch_queue::take(const admin::v1::Status& status, bool statuses, bool workers) {
  auto events = workers ? changes(status) : std::vector<WatchEvent>{};
  if (statuses)
    *events.emplace_back().mutable_status() = status;
  if (!events.empty())
    push(std::move(events));
}

/// None for the first status: whoever begins to watch asks for the workers himself.
std::vector<WatchEvent> watch_queue::changes(const admin::v1::Status& status) {
  std::vector<WatchEvent> events;
  const std::lock_guard lock(guard_);
  const bool first = workers_.empty();
  for (const auto& worker : status.workers()) {
    auto now = worker.SerializeAsString();
    auto& last = workers_[worker.name()];
    if (last != now && !first)
      *events.emplace_back().mutable_worker() = worker;
    last = std::move(now);
  }
  return events;
}

void watch_queue::push(std::vector<WatchEvent> events) {
  {
    const std::lock_guard lock(guard_);
    for (auto& x : events)
      events_.push_back(std::move(x));
    while (events_.size() > most_events) {
      events_.pop_front();
      ++lost_;
    }
  }
  wake_();
}

std::optional<WatchEvent> watch_queue::pop() {
  const std::lock_guard lock(guard_);
  if (lost_ > 0) {
    WatchEvent event;
    event.mutable_lost()->set_events(std::exchange(lost_, 0));
    return event;
  }
  if (events_.empty())
    return std::nullopt;
  auto event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::optional<absl::Status> watch_queue::ended() const {
  const std::lock_guard lock(guard_);
  return events_.empty() ? ended_ : std::nullopt;
}

} // namespace expbuild
