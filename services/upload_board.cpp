#include "services/upload_board.hpp"

#include <grpcpp/alarm.h>

namespace expbuild {

using clock = std::chrono::steady_clock;

upload_board::upload_board(std::shared_ptr<io_pool> io, suspension_options options)
    : io_(std::move(io)), suspended_(options) {}

upload_board::~upload_board() = default;

void upload_board::claim(const std::string& name, const digest& id,
                         std::shared_ptr<live_upload> who, on_turn turn) {
  std::shared_ptr<live_upload> in_the_way;
  std::optional<claimant> outrun;
  writer rest;
  {
    const std::lock_guard lock(guard_);
    auto [at, is_free] = live_.try_emplace(name);
    if (is_free) {
      at->second.now = {id, who, {}};
      by_blob_.emplace(id, std::move(who));
      rest = suspended_.take(name);
    } else {
      in_the_way = at->second.now.who;
      outrun = std::exchange(at->second.next, claimant{id, std::move(who), turn});
    }
  }
  if (outrun)
    outrun->turn(absl::AbortedError("a newer stream has taken over the upload '" + name + "'"));
  if (in_the_way)
    return in_the_way->give_way();
  turn(std::move(rest));
}

void upload_board::release(const std::string& name, const live_upload& who, writer rest) {
  on_turn turn;
  std::vector<writer> gone;
  {
    const std::lock_guard lock(guard_);
    const auto at = live_.find(name);
    if (at == live_.end() || at->second.now.who.get() != &who)
      return;
    const auto [first, last] = by_blob_.equal_range(at->second.now.id);
    for (auto i = first; i != last; ++i)
      if (i->second.get() == &who) {
        by_blob_.erase(i);
        break;
      }
    if (auto& next = at->second.next) {
      turn = std::move(next->turn);
      at->second.now = *std::exchange(next, std::nullopt);
      by_blob_.emplace(at->second.now.id, at->second.now.who);
    } else {
      live_.erase(at);
      if (rest)
        gone = suspended_.add(name, std::move(rest), clock::now());
      arm();
    }
  }
  let_go(std::move(gone));
  if (turn)
    turn(std::move(rest));
}

void upload_board::stored(const digest& id) {
  std::vector<std::shared_ptr<live_upload>> receiving;
  {
    const std::lock_guard lock(guard_);
    const auto [first, last] = by_blob_.equal_range(id);
    for (auto i = first; i != last; ++i)
      receiving.push_back(i->second);
  }
  for (const auto& each : receiving)
    each->stored_elsewhere();
}

std::int64_t upload_board::committed(const std::string& name) const {
  const std::lock_guard lock(guard_);
  if (const auto found = live_.find(name); found != live_.end())
    return found->second.now.who->committed();
  return suspended_.size_of(name).value_or(0);
}

// ---- time ------------------------------------------------------------------------------------

/// With the lock held. A new alarm each time: one that has rung can not be set from its own call.
void upload_board::arm() {
  const auto next = suspended_.next_expiry();
  if (alarm_ || !next)
    return;
  alarm_ = std::make_unique<grpc::Alarm>();
  const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(*next - clock::now());
  alarm_->Set(std::chrono::system_clock::now() + pause + std::chrono::milliseconds(1),
              [me = weak_from_this()](bool due) {
                if (const auto board = me.lock(); board && due)
                  board->expire();
              });
}

void upload_board::expire() {
  std::vector<writer> gone;
  std::unique_ptr<grpc::Alarm> rung; // goes after the lock
  {
    const std::lock_guard lock(guard_);
    rung = std::move(alarm_);
    gone = suspended_.expire(clock::now());
    arm();
  }
  let_go(std::move(gone));
}

void upload_board::let_go(std::vector<writer> gone) const {
  if (!gone.empty())
    io_->post(io_pool::lane::short_work, [gone = std::move(gone)]() mutable { gone.clear(); });
}

} // namespace expbuild
