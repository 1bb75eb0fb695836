#pragma once
#include "actors/worker/runner/command.hpp"

#include <string>
#include <vector>

namespace expbuild::runner {

/// Everything the child needs, made before the clone.
struct child_plan {
  child_plan(const v1::Start& request, const abilities& can);

  const v1::Start& request;
  const abilities& can;
  std::vector<std::string> environment; ///< NAME=VALUE
  std::vector<std::string> candidates;  ///< where arguments[0] may be, in order
  std::vector<char*> argv;
  std::vector<char*> envp;
  int out = -1;
  int err = -1;
  int report = -1;
  unsigned uid = 0; ///< outside of the new user namespace
  unsigned gid = 0;
};

/// In the cloned process. With a pid namespace it is PID 1 there: it starts the command, reaps,
/// reports the command's end and exits, upon which the kernel kills whatever remains. Without one
/// it becomes the command.
[[noreturn]] void run_child(child_plan& plan);

} // namespace expbuild::runner
