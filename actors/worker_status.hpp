#pragma once
#include <cstdint>
#include <string>

namespace expbuild {

enum class worker_condition : std::uint8_t {
  starting = 1,
  idle = 2,
  busy = 3,
  draining = 4,
  backoff = 5,
  quarantined = 6
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
};

} // namespace expbuild
