#pragma once
#include <absl/status/status.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace expbuild {

/// Threads for whatever may wait for a disk. Three lanes, so that short work (open, read a chunk or
/// a small blob) never stands behind long work (staging an input root, walking a tree), nor behind
/// writes, each of which waits for a sync when the disk is slow.
class io_pool {
public:
  enum class lane { short_work, write_work, long_work };

  virtual ~io_pool() = default;

  /// Runs `work` on one of the lane's threads, first come first served. False, and `work` is
  /// dropped, when the lane's queue is full or the pool is stopping: answer RESOURCE_EXHAUSTED.
  /// `work` must not throw.
  virtual bool post(lane where, std::function<void()> work) = 0;

  /// Runs what was accepted, then joins the threads; later posts return false. Idempotent.
  virtual void stop() = 0;
};

/// What to answer when `post` refuses.
absl::Status pool_is_full();

struct io_pool_options {
  std::size_t short_threads = 4;
  std::size_t write_threads = 4;
  std::size_t long_threads = 4;
  /// Waiting pieces of work a lane.
  std::size_t max_waiting = 65536;
};

std::shared_ptr<io_pool> make_io_pool(io_pool_options options);

/// For tests: runs everything at once in the caller's thread.
std::shared_ptr<io_pool> make_inline_io_pool();

} // namespace expbuild
