#pragma once
#include "actors/worker/docker/containers.hpp"

#include <condition_variable>
#include <mutex>

namespace expbuild::test {

/// Another's, but that a test may wait for the end of all that is being made or removed: executors
/// do both ahead, or behind their commands' backs.
class counted_containers : public containers,
                           public std::enable_shared_from_this<counted_containers> {
public:
  explicit counted_containers(std::shared_ptr<containers> real) : real_(std::move(real)) {}

  /// False when it does not come to that.
  bool wait_for_rest(std::chrono::seconds limit) {
    std::unique_lock lock(guard_);
    return changed_.wait_for(lock, limit, [this] { return under_way_ == 0; });
  }

  void run(const container_spec& spec, on_running done) override {
    count(1);
    real_->run(spec, [me = shared_from_this(), done](absl::StatusOr<running_container> made) {
      done(std::move(made)); // which may discard it
      me->count(-1);
    });
  }

  void discard(const std::string& id, std::function<void()> then) override {
    count(1);
    real_->discard(id, [me = shared_from_this(), then] {
      if (then)
        then();
      me->count(-1);
    });
  }

  void wait_ended(const std::string& id, on_state done) override { real_->wait_ended(id, done); }
  void remove(const std::string& id, on_done done) override { real_->remove(id, done); }
  void remove_labelled(const std::string& label, const std::string& value, const std::string& other,
                       const std::string& kept, on_done done) override {
    real_->remove_labelled(label, value, other, kept, done);
  }

private:
  void count(int change) {
    const std::lock_guard lock(guard_);
    under_way_ += change;
    changed_.notify_all();
  }

  const std::shared_ptr<containers> real_;
  std::mutex guard_;
  std::condition_variable changed_;
  int under_way_ = 0;
};

} // namespace expbuild::test
