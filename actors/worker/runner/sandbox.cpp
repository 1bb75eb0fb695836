#include "actors/worker/runner/sandbox.hpp"

#include "actors/worker/runner/clone.hpp"
#include "actors/worker/runner/command.hpp"
#include "actors/worker/runner/hierarchy.hpp"
#include "actors/worker/runner/overlay.hpp"
#include "actors/worker/runner/privileges.hpp"

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

void lack(sandbox& made, const char* key, const problem& why) {
  auto& x = made.lacks.emplace_back();
  x.set_key(key);
  x.set_reason(to_string(why));
}

/// The memory limit shall hit commands, not us.
void spare_this_process(sandbox& made) {
  constexpr auto path = "/proc/self/oom_score_adj";
  std::string own(16, '\0');
  const descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
  const auto length = ::read(file.get(), own.data(), own.size());
  if (length > 0 && !write_file(path, "-1000"))
    made.memory_score = own.substr(0, static_cast<std::size_t>(length));
}

/// Before the user namespace, from which nothing of this may be written.
void set_limits(sandbox& made) {
  if (auto x = made.groups.limit_processes(made.asked.max_processes())) {
    made.processes_by_rlimit = !made.root; // as root the user is shared by all workers
    if (made.root)
      lack(made, "max_processes", x);
  }
  if (auto x = made.groups.limit_memory(made.asked.max_memory_bytes()))
    lack(made, "max_memory_bytes", x);
  else if (made.asked.max_memory_bytes() != 0)
    spare_this_process(made);
  made.memory = made.groups.memory();
}

/// The limits are the container's.
problem enter_container(sandbox& made) {
  joined_container container;
  if (auto x = container.join(made.asked.container()))
    return x;
  made.memory = container.memory();
  made.file_tree = private_root{descriptor(::fcntl(container.mounts(), F_DUPFD_CLOEXEC, 3)), true};
  made.container = std::move(container);
  spare_this_process(made);
  return {};
}

problem make_file_tree(sandbox& made) {
  if (made.asked.has_container())
    return enter_container(made);
  private_root tree;
  if (auto x = make_private_root(made.asked, tree))
    return x;
  made.file_tree = std::move(tree);
  return {};
}

problem make_sandbox(sandbox& made) {
  if (auto x = make_file_tree(made))
    return x;
  made.filter.emplace(made.asked.allow_ptrace());
  if (!made.asked.host_network() && !made.asked.container().join_network()) {
    own_network network;
    if (auto x = network.enter())
      lack(made, "network", x);
    else
      made.network = network;
  }
  // Nothing that is executed from here on can have a capability; our own ones stay.
  if (auto x = drop_bounding_set())
    return x;
  return try_command(made);
}

void isolate(sandbox& made, problem found) {
  for (const auto& path : made.asked.readable_paths())
    if (::access(path.c_str(), F_OK) != 0)
      lack(made, "readable_paths", failed("looking at " + path));
  if (!found)
    found = make_sandbox(made);
  if (!found)
    return;
  made.file_tree.reset();
  made.filter.reset();
  made.container.reset();
  lack(made, "isolation", found);
  if (!made.asked.host_network() && !made.network)
    lack(made, "network", found);
}

void set_up_overlays(sandbox& made, problem found) {
  if (made.asked.scratch().empty())
    return;
  if (!found)
    found = try_overlay(made.asked.scratch(), made.user_namespace);
  made.overlays = !found;
  made.no_overlays = found ? to_string(found) : "";
}

/// The container is all there is, and nobody here may do more than a command.
void stay_inside(sandbox& made) {
  auto group = control_group_of("self", "memory");
  if (group.empty())
    group = control_group_of("self", "");
  made.memory = memory_watch(group);
  made.memory_score = "500"; // nobody may lower ours
}

} // namespace

std::string to_string(const problem& x) {
  return x.step + ": " + std::generic_category().message(x.error);
}

sandbox set_up(const v1::Setup& asked) {
  sandbox made;
  made.asked = asked;
  made.self = descriptor(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (asked.isolation() == v1::Setup::INSIDE) {
    stay_inside(made);
    return made;
  }
  made.root = ::geteuid() == 0;
  if (!asked.has_container())
    set_limits(made);
  auto found = made.root ? problem{} : enter_user_namespace();
  made.user_namespace = !made.root && !found;
  if (!found)
    found = try_pid_namespace();
  made.pid_namespaces = !found;
  if (asked.isolation() == v1::Setup::NAMESPACES)
    isolate(made, found);
  set_up_overlays(made, found);
  return made;
}

} // namespace expbuild::runner
