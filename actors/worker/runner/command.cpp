#include "actors/worker/runner/command.hpp"

#include "actors/worker/runner/child.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

/// fork with flags and a pidfd. The runner is small and single-threaded: a copy is cheap and safe.
pid_t clone_with_pidfd(std::uint64_t flags, int& pidfd) {
  clone_args arguments{};
  arguments.flags = flags | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

std::uint64_t namespace_flags(const abilities& can) {
  std::uint64_t flags = 0;
  if (can.pid_namespaces)
    flags |= CLONE_NEWPID | CLONE_NEWNS;
  if (can.pid_namespaces && can.user_namespaces)
    flags |= CLONE_NEWUSER;
  return flags;
}

bool can_clone(std::uint64_t flags) {
  int pidfd = -1;
  const auto pid = clone_with_pidfd(flags, pidfd);
  if (pid == 0)
    ::_exit(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? 0 : 1);
  if (pid < 0)
    return false;
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::close(pidfd);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int create_log(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool fail(const v1::Start& request, v1::Failed& error, const std::string& step) {
  error.set_id(request.id());
  error.set_error_number(errno);
  error.set_step(step);
  return false;
}

} // namespace

abilities probe() {
  abilities can;
  can.root = ::geteuid() == 0;
  const std::uint64_t flags = CLONE_NEWPID | CLONE_NEWNS;
  if (can.root && can_clone(flags)) {
    can.pid_namespaces = true;
  } else if (!can.root && can_clone(flags | CLONE_NEWUSER)) {
    can.pid_namespaces = true;
    can.user_namespaces = true;
  } else {
    can.note = "this system lets us make no pid namespaces: process trees are killed one by one";
  }
  return can;
}

bool start_tree(const v1::Start& request, const abilities& can, tree& started, v1::Failed& error) {
  child_plan plan(request, can);
  plan.out = create_log(request.stdout_path());
  plan.err = plan.out < 0 ? -1 : create_log(request.stderr_path());
  int pipe_ends[2] = {-1, -1};
  if (plan.err < 0)
    fail(request, error, "creating the files for stdout and stderr");
  else if (::pipe2(pipe_ends, O_CLOEXEC) != 0)
    fail(request, error, "making a pipe");
  else {
    plan.report = pipe_ends[1];
    started.pid = clone_with_pidfd(namespace_flags(can), started.pidfd);
    if (started.pid == 0)
      run_child(plan);
    if (started.pid < 0)
      fail(request, error, "starting a process");
  }
  for (const int fd : {plan.out, plan.err, pipe_ends[1]})
    if (fd >= 0)
      ::close(fd);
  started.report = pipe_ends[0];
  if (started.pid > 0)
    return true;
  if (started.report >= 0)
    ::close(started.report);
  return false;
}

} // namespace expbuild::runner
