#include "storage/shared_work.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace expbuild {

namespace {

/// Outlives the call for helpers that come too late: they find nothing to begin.
class shared_work {
public:
  shared_work(std::size_t count, const std::function<absl::Status(std::size_t)>& work)
      : count_(count), work_(work) {}

  void take_part() {
    std::unique_lock lock(guard_);
    while (next_ < count_) {
      const auto number = next_++;
      ++running_;
      lock.unlock();
      auto status = work_(number);
      lock.lock();
      --running_;
      first_.Update(status);
      if (!status.ok())
        next_ = count_;
    }
    if (running_ == 0)
      is_done_.notify_all();
  }

  absl::Status wait() {
    std::unique_lock lock(guard_);
    is_done_.wait(lock, [this] { return running_ == 0 && next_ == count_; });
    return first_;
  }

private:
  const std::size_t count_;
  const std::function<absl::Status(std::size_t)>& work_; ///< the caller's: while some is to begin
  std::mutex guard_;
  std::condition_variable is_done_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  absl::Status first_;
};

} // namespace

absl::Status share_work(io_pool* io, io_pool::lane where, std::size_t count, std::size_t helpers,
                        const std::function<absl::Status(std::size_t)>& work) {
  const auto shared = std::make_shared<shared_work>(count, work);
  const auto wanted = io == nullptr || count < 2 ? 0 : std::min(helpers, count - 1);
  for (std::size_t i = 0; i < wanted; ++i)
    if (!io->post(where, [shared] { shared->take_part(); }))
      break; // the lane is full: others need it more
  shared->take_part();
  return shared->wait();
}

} // namespace expbuild
