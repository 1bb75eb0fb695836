#pragma once
#include <string>
#include <sys/types.h>
#include <vector>

namespace expbuild::bench {

/// A program that runs until the object is gone (SIGTERM, then waited for).
class child_process {
public:
  explicit child_process(std::vector<std::string> arguments);
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  pid_t pid() const noexcept { return pid_; }
  /// CPU of it, of its children and of all that they have reaped.
  double cpu_seconds() const;
  /// Resident memory of it and its children.
  double resident_mib() const;

private:
  std::vector<pid_t> family() const;

  pid_t pid_ = -1;
};

/// A port of 127.0.0.1 that nobody uses at the moment.
int free_port();

/// One /bin/true by posix_spawn (a clone with CLONE_VM and CLONE_VFORK), waited for: what an
/// action costs without any server.
void spawn_true();

} // namespace expbuild::bench
