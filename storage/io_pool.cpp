#include "storage/io_pool.hpp"

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <string>
#include <thread>
#include <vector>

namespace expbuild {

namespace {

/// One bounded queue and its threads.
class work_lane {
public:
  work_lane(const std::string& name, std::size_t threads, std::size_t max_waiting)
      : max_waiting_(max_waiting) {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { run(); });
      ::pthread_setname_np(threads_.back().native_handle(), name.c_str());
    }
  }

  bool post(std::function<void()> work) {
    {
      const std::lock_guard lock(guard_);
      if (stopping_ || waiting_.size() >= max_waiting_)
        return false;
      waiting_.push_back(std::move(work));
    }
    has_work_.notify_one();
    return true;
  }

  void stop() {
    {
      const std::lock_guard lock(guard_);
      stopping_ = true;
    }
    has_work_.notify_all();
    for (auto& each : threads_)
      if (each.joinable())
        each.join();
  }

private:
  void run() {
    std::unique_lock lock(guard_);
    for (;;) {
      has_work_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty())
        return;
      auto work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work();
      work = nullptr; // what it holds may take long to let go: not under the lock
      lock.lock();
    }
  }

  std::mutex guard_;
  std::condition_variable has_work_;
  std::deque<std::function<void()>> waiting_;
  const std::size_t max_waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

class threaded_pool : public io_pool {
public:
  explicit threaded_pool(const io_pool_options& options)
      : short_("io-short", options.short_threads, options.max_waiting),
        write_("io-write", options.write_threads, options.max_waiting),
        long_("io-long", options.long_threads, options.max_waiting) {}
  ~threaded_pool() override { threaded_pool::stop(); }

  bool post(lane where, std::function<void()> work) override {
    return lane_of(where).post(std::move(work));
  }

  void stop() override {
    long_.stop(); // long work and writes may still post short work
    write_.stop();
    short_.stop();
  }

private:
  work_lane& lane_of(lane where) {
    return where == lane::short_work ? short_ : where == lane::write_work ? write_ : long_;
  }

  work_lane short_;
  work_lane write_;
  work_lane long_;
};

class inline_pool : public io_pool {
public:
  bool post(lane, std::function<void()> work) override {
    work();
    return true;
  }
  void stop() override {}
};

} // namespace

absl::Status pool_is_full() {
  return absl::ResourceExhaustedError("too much disk work is waiting; try again in a moment");
}

std::shared_ptr<io_pool> make_io_pool(io_pool_options options) {
  return std::make_shared<threaded_pool>(options);
}

std::shared_ptr<io_pool> make_inline_io_pool() {
  return std::make_shared<inline_pool>();
}

} // namespace expbuild
