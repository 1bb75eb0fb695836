#pragma once
#include "expbuild/runner/v1/runner.pb.h"

#include <string>
#include <sys/resource.h>

/// Starting one command: everything that happens between a Start request and execve.

namespace expbuild::runner {

namespace v1 = expbuild::runner::v1;

/// What the process at the root of a tree reports through its pipe: once, at the end.
struct tree_report {
  enum : int { exited = 1, not_started = 2 };
  int kind = 0;
  int value = 0; ///< wait status, or errno
  rusage usage{};
  char step[160] = {}; ///< what was being done when it could not be started
};

/// What this system lets us do.
struct abilities {
  bool root = false;
  bool pid_namespaces = false;
  bool user_namespaces = false; ///< needed, when not root, for the former
  std::string note;             ///< why there are no pid namespaces
};

/// Tries it out, once.
abilities probe();

/// A started tree. `pid` is its root: PID 1 of the command's own pid namespace, or the command.
struct tree {
  pid_t pid = -1;
  int pidfd = -1;
  int report = -1; ///< read end of the pipe for a tree_report
};

/// Creates stdout and stderr, then the process tree. On failure `error` holds what to answer.
bool start_tree(const v1::Start& request, const abilities& can, tree& started, v1::Failed& error);

} // namespace expbuild::runner
