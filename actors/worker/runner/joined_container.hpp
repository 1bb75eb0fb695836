#pragma once
#include "actors/worker/runner/descriptor.hpp"
#include "actors/worker/runner/memory_watch.hpp"
#include "actors/worker/runner/problem.hpp"
#include "expbuild/runner/v1/runner.pb.h"

namespace expbuild::runner {

/// A running container that commands are put into from outside: its file tree, its limits, its
/// network perhaps. This process lives within its limits from then on, so that commands are born
/// there: to put each in later takes up to 15 ms, with version 1 of control groups. Commands have
/// pid namespaces of the host's, for the kernel makes none for a process that is not in the parent
/// itself: whoever starts them ends them with the container.
class joined_container {
public:
  /// Takes hold of it and enters its limits. EINVAL when `asked` is not (any more) the container
  /// that it says.
  problem join(const v1::Container& asked);

  int mounts() const { return mounts_.get(); }         ///< its mount namespace
  int first_process() const { return process_.get(); } ///< pidfd; readable once it has ended
  const memory_watch& memory() const { return memory_; }

  /// Whether it has ended, or is about to. A command that was killed by nobody here may have been
  /// killed by its engine, with all that was in its groups: this waits a moment for that to show.
  bool has_ended() const;

private:
  problem enter_groups(const std::string& id, const std::string& pid);

  std::string stat_;
  descriptor process_;
  descriptor mounts_;
  memory_watch memory_;
};

} // namespace expbuild::runner
