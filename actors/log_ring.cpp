#include "actors/log_ring.hpp"

#include <algorithm>

namespace expbuild {

namespace {

/// With what the allocator and the ring add.
std::size_t size_of(const log_line& x) noexcept {
  return sizeof(log_line) + 64 + x.module.size() + x.message.size() + x.action.size()
         + x.operation.size();
}

} // namespace

void log_ring::push(log_line line) {
  auto added = std::make_shared<const log_line>(std::move(line));
  log_line_ptr gone; // freed without the lock held
  followers told;
  {
    const std::lock_guard lock(guard_);
    bytes_ += size_of(*added);
    lines_.push_back(std::move(added));
    while (lines_.size() > max_lines_ || (bytes_ > max_bytes_ && lines_.size() > 1)) {
      gone = std::move(lines_.front());
      bytes_ -= size_of(*gone);
      lines_.pop_front();
      ++first_;
    }
    told.swap(waiting_);
  }
  call(told);
}

void log_ring::wait(std::uint64_t from, std::uint64_t round,
                    const std::weak_ptr<const follower>& who) {
  {
    const std::lock_guard lock(guard_);
    if (from >= first_ + lines_.size() && round == round_) {
      std::erase_if(waiting_, [](const auto& x) { return x.expired(); });
      waiting_.push_back(who);
      return;
    }
  }
  call({who});
}

void log_ring::end_followers() {
  followers told;
  {
    const std::lock_guard lock(guard_);
    ++round_;
    told.swap(waiting_);
  }
  call(told);
}

void log_ring::call(const followers& all) {
  for (const auto& x : all)
    if (const auto follower = x.lock())
      (*follower)();
}

std::uint64_t log_ring::round() const {
  const std::lock_guard lock(guard_);
  return round_;
}

std::size_t log_ring::waiting() const {
  const std::lock_guard lock(guard_);
  return waiting_.size();
}

log_ring::page log_ring::read(std::uint64_t from, std::size_t max_lines) const {
  page found;
  const std::lock_guard lock(guard_);
  const auto begin = std::clamp(from, first_, first_ + lines_.size());
  found.lost = from == 0 || from > begin ? 0 : begin - from;
  const auto count = std::min<std::uint64_t>(max_lines, first_ + lines_.size() - begin);
  const auto place = lines_.begin() + static_cast<std::ptrdiff_t>(begin - first_);
  found.lines.assign(place, place + static_cast<std::ptrdiff_t>(count));
  found.next = begin + count;
  return found;
}

std::size_t log_ring::bytes() const {
  const std::lock_guard lock(guard_);
  return bytes_;
}

} // namespace expbuild
