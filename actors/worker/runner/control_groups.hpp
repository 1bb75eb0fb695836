#pragma once
#include "actors/worker/runner/memory_watch.hpp"
#include "actors/worker/runner/problem.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace expbuild::runner {

/// Groups of this process's own, beneath those that it was started in: what it starts is born
/// there, so that a command costs nothing more. The runner itself is counted, too: one process and
/// a few megabytes. Control groups of version 2 (with controllers) and of version 1.
class control_groups {
public:
  /// Each may be called once. 0 processes or bytes: no limit, nothing is done.
  problem limit_processes(std::uint32_t count);
  problem limit_memory(std::uint64_t bytes);

  /// What the memory limit does; of nothing without one.
  const memory_watch& memory() const { return memory_; }

  /// Goes back where it came from and removes the groups; nothing else may be in them.
  void leave();

  /// Absolute paths, to be removed when this process could not.
  const std::vector<std::string>& folders() const { return folders_; }

private:
  problem join(const std::string& controller, std::string& folder);
  problem join_version_2(const std::string& controller, std::string& folder);
  problem make_and_enter(const std::string& parent, std::string& folder);

  std::vector<std::string> folders_;
  std::vector<std::string> parents_;
  std::string version_2_; ///< our group there, when we have one
  memory_watch memory_;
};

} // namespace expbuild::runner
