#pragma once
#include "actors/worker/runner/command.hpp"

#include <string>
#include <vector>

namespace expbuild::runner {

/// Everything the child needs, made before the clone.
struct child_plan {
  child_plan(const v1::Start& request, const sandbox& house);

  const v1::Start& request;
  const sandbox& house;
  std::vector<std::string> environment; ///< NAME=VALUE
  std::vector<std::string> candidates;  ///< where arguments[0] may be, in order
  std::vector<char*> argv;
  std::vector<char*> envp;
  descriptor out;
  descriptor err;
  descriptor report;
  descriptor bound; ///< the command's folder as a mount, when it is one without an overlay
  int root = -1;    ///< that, or the overlay; the command sees it at:
  std::string at;
  std::string directory; ///< where the command starts, as it sees it
  bool only_try = false; ///< everything but execve
};

/// In the cloned process. With a pid namespace it is PID 1 there: it starts the command, reaps,
/// reports the command's end and exits, upon which the kernel kills whatever remains. Without one
/// it becomes the command.
[[noreturn]] void run_child(child_plan& plan);

} // namespace expbuild::runner
