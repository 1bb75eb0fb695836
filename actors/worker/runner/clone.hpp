#pragma once
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace expbuild::runner {

/// fork with flags and a pidfd. The runner is small and single-threaded: a copy is cheap and safe.
/// Container engines answer ENOSYS to clone3, for its flags can not be filtered.
inline pid_t clone_with_pidfd(std::uint64_t flags, int& pidfd) {
  clone_args arguments{};
  arguments.flags = flags | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
  if (pid >= 0 || errno != ENOSYS)
    return pid;
  return static_cast<pid_t>(
      ::syscall(SYS_clone, arguments.flags | arguments.exit_signal, nullptr, &pidfd, nullptr, 0));
}

} // namespace expbuild::runner
