#include "actors/worker/runner/sandbox.hpp"

#include "actors/worker/runner/clone.hpp"
#include "actors/worker/runner/overlay.hpp"

#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace expbuild::runner {

namespace {

problem write_file(const char* path, const std::string& text) {
  const descriptor file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0)
    return failed(std::string("writing ") + path);
  return {};
}

/// As whoever we are, with all rights over what we make from now on.
problem enter_user_namespace() {
  const auto uid = std::to_string(::getuid());
  const auto gid = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return failed("making a user namespace");
  if (auto x = write_file("/proc/self/setgroups", "deny"))
    return x;
  if (auto x = write_file("/proc/self/uid_map", uid + " " + uid + " 1"))
    return x;
  return write_file("/proc/self/gid_map", gid + " " + gid + " 1");
}

problem try_pid_namespace() {
  int pidfd = -1;
  const auto pid = clone_with_pidfd(CLONE_NEWPID | CLONE_NEWNS, pidfd);
  if (pid == 0)
    ::_exit(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? 0 : errno);
  if (pid < 0)
    return failed("making a pid namespace");
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::close(pidfd);
  errno = WEXITSTATUS(status);
  return status == 0 ? problem{} : failed("making a mount namespace");
}

} // namespace

std::string to_string(const problem& x) {
  return x.step + ": " + std::generic_category().message(x.error);
}

sandbox set_up(const v1::Setup& asked) {
  sandbox made;
  made.asked = asked;
  made.root = ::geteuid() == 0;
  problem found;
  if (!made.root) {
    found = enter_user_namespace();
    made.user_namespace = !found;
  }
  if (!found)
    found = try_pid_namespace();
  made.pid_namespaces = !found;
  if (!found && !asked.scratch().empty())
    found = try_overlay(asked.scratch(), made.user_namespace);
  made.overlays = !found && !asked.scratch().empty();
  made.no_overlays = found ? to_string(found) : "";
  return made;
}

} // namespace expbuild::runner
