#include "actors/worker/runner/joined_container.hpp"

#include "actors/worker/runner/hierarchy.hpp"
#include "actors/worker/runner/small_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

constexpr int moment_ms = 100;
constexpr unsigned long exiting_flag = 0x4; // PF_EXITING, field 9 of /proc/PID/stat

bool is_same_namespace(const std::string& one, const std::string& other) {
  struct stat a {};
  struct stat b {};
  return ::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && a.st_ino == b.st_ino;
}

problem enter_namespace(const std::string& path, int kind) {
  const descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd && ::setns(fd.get(), kind) == 0 ? problem{} : failed("entering " + path);
}

} // namespace

problem joined_container::join(const v1::Container& asked) {
  const auto pid = std::to_string(asked.pid());
  const auto folder = "/proc/" + pid;
  stat_ = folder + "/stat";
  process_ =
      descriptor(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(asked.pid()), 0)));
  if (!process_)
    return failed("looking for the container's process " + pid);
  // Only now: the number can not become another process's any more without our seeing it.
  if (auto x = enter_groups(asked.id(), pid))
    return x;
  if (!is_same_namespace(folder + "/ns/user", "/proc/self/ns/user"))
    return {EINVAL,
            "entering the container: its users are not the host's (a rootless engine), which "
            "isolation = \"fresh\" can not take"};
  mounts_ = descriptor(::open((folder + "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
  if (!mounts_)
    return failed("taking hold of the container's file tree");
  return asked.join_network() ? enter_namespace(folder + "/ns/net", CLONE_NEWNET) : problem{};
}

problem joined_container::enter_groups(const std::string& id, const std::string& pid) {
  bool any = false;
  for (const auto* controller : {"memory", "pids", "cpu", ""}) {
    const auto folder = control_group_of(pid, controller);
    if (folder.find(id) == std::string::npos)
      continue; // not in this hierarchy
    const descriptor group(::open((folder + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!group || ::write(group.get(), "0", 1) < 0)
      return failed("entering the container's group " + folder);
    const bool is_version_2 = *controller == '\0';
    if (is_version_2 ? !any : std::string(controller) == "memory")
      memory_ = memory_watch(folder);
    any = true;
  }
  return any ? problem{}
             : problem{EINVAL, "looking for the container " + id + " behind process " + pid};
}

bool joined_container::has_ended() const {
  const auto text = text_of(stat_);
  const auto fields = text.rfind(')'); // of its name, which may contain anything
  char state = 'X';
  unsigned long flags = exiting_flag;
  if (fields != std::string::npos)
    std::sscanf(text.c_str() + fields + 1, " %c %*d %*d %*d %*d %*d %lu", &state, &flags);
  if ((flags & exiting_flag) != 0)
    return true;
  pollfd end{process_.get(), POLLIN, 0};
  return ::poll(&end, 1, moment_ms) > 0;
}

} // namespace expbuild::runner
