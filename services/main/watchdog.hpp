#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace expbuild {

/// Ends the process with code 70 when a step of the stop hangs: a daemon that can not stop by
/// itself must not need an operator.
class watchdog {
public:
  watchdog();
  ~watchdog(); ///< calls it off

  /// From now on `step` has so long.
  void allow(std::string step, std::chrono::milliseconds limit);

private:
  void run();

  std::mutex guard_;
  std::condition_variable changed_;
  std::string step_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  bool done_ = false;
  std::thread thread_;
};

} // namespace expbuild
