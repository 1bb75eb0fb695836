#pragma once
#include "actors/worker/executor.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

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

/// What to run with: what was asked for where it can be had. What can not be had and was demanded
/// is FAILED_PRECONDITION, naming key and reason; the rest becomes weaker, and `warnings` gets in
/// words what that means.
absl::StatusOr<host_sandbox> settle(host_sandbox asked, const std::set<std::string>& demanded,
                                    const host_abilities& can, std::vector<std::string>& warnings);

} // namespace expbuild
