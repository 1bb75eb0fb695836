#pragma once
#include "actors/worker/runner/sandbox.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

/// Starting one command: everything that happens between a Start request and execve.

namespace expbuild::runner {

/// A started tree. `pid` is its root: PID 1 of the command's own pid namespace, or the command.
struct tree {
  pid_t pid = -1;
  descriptor pidfd;
  descriptor report; ///< read end of the pipe for a tree_report
  descriptor root;   ///< of the overlay, when there is one
};

/// Empties stdout and stderr, then makes the process tree. `streams`: stdout and stderr, when the
/// request names none. On failure `error` holds what to answer.
bool start_tree(const v1::Start& request, std::vector<descriptor> streams, sandbox& house,
                tree& started, v1::Failed& error);

/// Goes through everything that comes before execve, and ends there.
problem try_command(const sandbox& house);

} // namespace expbuild::runner
