#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace expbuild {

enum class worker_condition : std::uint8_t {
  starting = 1,
  idle = 2,
  busy = 3,
  draining = 4,
  backoff = 5,
  quarantined = 6,
  drained = 7
};

/// What a worker does with the action that it has.
enum class attempt_step : std::uint8_t { none = 0, staging = 1, running = 2, collecting = 3 };

/// Written by one worker, read by whoever wants to know.
struct worker_pulse {
  std::atomic<attempt_step> step{attempt_step::none};
};

/// A restart of a worker.
struct worker_restart {
  std::chrono::system_clock::time_point at;
  std::string why;
};

/// One slot as operators see it.
struct worker_status {
  std::string name;
  std::string type;
  std::string image = {}; ///< of a Docker worker
  worker_condition condition = worker_condition::starting;
  std::uint64_t restarts = 0;
  std::string last_failure;
  std::string action; ///< hash of the action that it runs; empty: nothing
  std::int64_t pid = 0;
  std::chrono::system_clock::time_point since = {};      ///< of its condition; zero: not known
  std::multimap<std::string, std::string> platform = {}; ///< what it offers when it is live
  std::vector<worker_restart> history = {};              ///< the last restarts, the newest first
  attempt_step step = attempt_step::none;                ///< of a live one
};

/// Whether a name is among these: whole, or begun by one that ends with '*'.
inline bool names_worker(const std::vector<std::string>& patterns, const std::string& name) {
  for (const auto& x : patterns)
    if (x == name
        || (!x.empty() && x.back() == '*'
            && name.compare(0, x.size() - 1, x, 0, x.size() - 1) == 0))
      return true;
  return false;
}

} // namespace expbuild
