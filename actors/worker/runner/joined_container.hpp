#pragma once
#include "actors/worker/runner/descriptor.hpp"
#include "actors/worker/runner/memory_watch.hpp"
#include "actors/worker/runner/problem.hpp"
#include "expbuild/runner/v1/runner.pb.h"

#include <vector>

namespace expbuild::runner {

/// A running container that commands are put into from outside: its file tree, its limits, its pid
/// namespace, so that they end with it. This process itself stays on the host.
class joined_container {
public:
  /// Takes hold of it; children that are cloned from now on belong to its pid namespace. EINVAL
  /// when `asked` is not (any more) the container that it says.
  problem join(const v1::Container& asked);

  int mounts() const { return mounts_.get(); }         ///< its mount namespace
  int first_process() const { return process_.get(); } ///< pidfd; readable once it has ended
  const memory_watch& memory() const { return memory_; }

  /// In a child: from now on the container's limits hold for it and its children.
  problem enter_groups() const;

  /// Whether it has ended, or is about to. A command that was killed by somebody may have been
  /// killed by that: then this waits a moment for the end to show.
  bool has_ended() const;

private:
  problem open_namespaces(const std::string& folder);
  problem open_groups(const std::string& id, const std::string& pid);

  std::string stat_;
  descriptor process_;
  descriptor mounts_;
  std::vector<descriptor> groups_; ///< cgroup.procs of each
  memory_watch memory_;
};

} // namespace expbuild::runner
