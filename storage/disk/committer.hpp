#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace expbuild {

/// Does something soon after it was asked to, once for all who asked meanwhile, on a thread of its
/// own. Sleeps while nobody asks.
class committer {
public:
  /// `round` must not throw. An interval of 0: no thread; rounds are up to the owner.
  committer(std::chrono::milliseconds interval, std::function<void()> round);

  /// A last round, if one is due.
  ~committer();

  committer(const committer&) = delete;
  committer& operator=(const committer&) = delete;

  /// A round begins at most one interval from now.
  void ask();

  /// At once.
  void hurry();

private:
  void run();

  const std::chrono::milliseconds interval_;
  const std::function<void()> round_;
  std::mutex guard_;
  std::condition_variable changed_;
  bool asked_ = false;
  bool in_a_hurry_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace expbuild
