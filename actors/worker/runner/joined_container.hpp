#pragma once
#include "actors/worker/runner/descriptor.hpp"
#include "actors/worker/runner/memory_watch.hpp"
#include "actors/worker/runner/problem.hpp"
#include "expbuild/runner/v1/runner.pb.h"

#include <vector>

namespace expbuild::runner {

/// A running container that commands are put into from outside: its file tree, its limits, its
/// network perhaps. Their pid namespaces are the host's children, for the kernel makes none for a
/// process that is not in the parent itself: whoever started them ends them with the container.
class joined_container {
public:
  /// Takes hold of it. EINVAL when `asked` is not (any more) the container that it says.
  problem join(const v1::Container& asked);

  int mounts() const { return mounts_.get(); }         ///< its mount namespace
  int first_process() const { return process_.get(); } ///< pidfd; readable once it has ended
  const memory_watch& memory() const { return memory_; }

  /// In a child: from now on the container's limits hold for it and its children.
  problem enter_groups() const;

  /// Whether it has ended, or is about to. A command that was killed by nobody here may have been
  /// killed by its engine, with all that was in its groups: this waits a moment for that to show.
  bool has_ended() const;

private:
  problem open_groups(const std::string& id, const std::string& pid);

  std::string stat_;
  descriptor process_;
  descriptor mounts_;
  std::vector<descriptor> groups_; ///< cgroup.procs of each
  memory_watch memory_;
};

} // namespace expbuild::runner
