#pragma once
#include "actors/worker/executor.hpp"

#include <map>
#include <string>

namespace expbuild {

/// What host workers with these options can have on this system.
struct host_abilities {
  bool overlays = false;
  std::string no_overlays; ///< why not, when not
  /// What the options ask for and the system does not give: key of the configuration, reason.
  std::map<std::string, std::string> lacks;
};

/// Starts a runner with these options, hears what it can do and lets it go: some ten milliseconds,
/// at most 5 s. Blocks: not for actors. UNAVAILABLE when the runner can not be started.
absl::StatusOr<host_abilities> probe_host(execution_thread& thread,
                                          const host_executor_options& options);

} // namespace expbuild
