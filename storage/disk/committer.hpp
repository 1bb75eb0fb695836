#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace expbuild {

/// How long what was written waits for the disk at level `grouped`, and how long when the disk is
/// too slow for that: then writers wait for it.
inline constexpr std::chrono::milliseconds group_interval{200};
inline constexpr std::chrono::milliseconds longest_wait{1000};

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
