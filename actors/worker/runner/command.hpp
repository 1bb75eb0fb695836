#pragma once
#include "actors/worker/runner/sandbox.hpp"

#include <sys/resource.h>

/// Starting one command: everything that happens between a Start request and execve.

namespace expbuild::runner {

/// What the process at the root of a tree reports through its pipe: once, at the end.
struct tree_report {
  enum : int { exited = 1, not_started = 2, not_prepared = 3 };
  int kind = 0;
  int value = 0; ///< wait status, or errno
  rusage usage{};
  char step[160] = {}; ///< what was being done when it could not be started
};

/// A started tree. `pid` is its root: PID 1 of the command's own pid namespace, or the command.
struct tree {
  pid_t pid = -1;
  descriptor pidfd;
  descriptor report; ///< read end of the pipe for a tree_report
  descriptor root;   ///< of the overlay, when there is one
};

/// Creates stdout and stderr, then the process tree. On failure `error` holds what to answer.
bool start_tree(const v1::Start& request, const sandbox& house, tree& started, v1::Failed& error);

} // namespace expbuild::runner
