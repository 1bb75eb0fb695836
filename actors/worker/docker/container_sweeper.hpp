#pragma once
#include "actors/worker/docker/containers.hpp"
#include "actors/worker/executor.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace expbuild {

struct container_sweeper_options {
  std::vector<std::string> pools; ///< values of the label by which containers are ours
  std::string boot;               ///< this life of the daemon
  std::chrono::milliseconds every{60'000};
};

/// Removes containers that an earlier life of this daemon has left behind, whatever became of it.
class container_sweeper {
public:
  virtual ~container_sweeper() = default;

  /// Now, and then again and again, until `rest`. On the execution thread.
  virtual void sweep() = 0;
  /// While the engine is gone there is nothing to do. On the execution thread.
  virtual void rest() = 0;

  /// Removes all of ours, of this life as well, and waits for that, `limit` at most: the daemon
  /// stops. Not on the execution thread. False when some may have stayed: the next start finds
  /// them.
  virtual bool remove_all(std::chrono::milliseconds limit) = 0;
};

/// `thread` outlives it.
std::shared_ptr<container_sweeper> make_container_sweeper(execution_thread& thread,
                                                          std::shared_ptr<containers> boxes,
                                                          container_sweeper_options options);

} // namespace expbuild
