#include "actors/worker/runner/private_root.hpp"

#include "actors/worker/runner/clone.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace expbuild::runner {

namespace {

/// Every file in /tmp needs kernel memory, too, however small it is.
constexpr std::uint64_t bytes_per_inode = 8192;

bool attach(int mount, const std::string& at) {
  return ::move_mount(mount, "", AT_FDCWD, at.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

/// Asked before the namespaces change: the kernel wants to see another /proc then.
problem make_proc(bool read_only, descriptor& mount) {
  const descriptor context(::fsopen("proc", FSOPEN_CLOEXEC));
  if (!context || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return failed("making a /proc");
  unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (read_only)
    attributes |= MOUNT_ATTR_RDONLY;
  mount = descriptor(::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes));
  return mount ? problem{} : failed("making a /proc");
}

/// One filesystem with one limit for all places that anybody may write to.
problem mount_tmp(std::uint64_t bytes) {
  const auto options = "mode=0755,size=" + std::to_string(bytes)
                       + ",nr_inodes=" + std::to_string(bytes / bytes_per_inode);
  if (::mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
    return failed("mounting /tmp");
  using pair = std::array<const char*, 2>;
  for (const auto& [folder, at] :
       {pair{"/tmp/var", "/var/tmp"}, pair{"/tmp/shm", "/dev/shm"}, pair{"/tmp/tmp", "/tmp"}}) {
    if (::mkdir(folder, 0777) != 0 || ::chmod(folder, 01777) != 0
        || ::mount(folder, at, nullptr, MS_BIND, nullptr) != 0)
      return failed(std::string("mounting ") + at);
  }
  return {};
}

/// What the copy of a container's tree must not share with the next command's: what is mounted
/// later, message queues, and whatever its user could write to, as volumes that the image declares.
problem seclude(const std::vector<std::string>& writable) {
  mount_attr read_only{};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  read_only.propagation = MS_PRIVATE;
  if (::mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof read_only) != 0)
    return failed("making the container's mounts read-only");
  if (::umount2("/dev/mqueue", MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
    return failed("unmounting /dev/mqueue");
  mount_attr read_write{};
  read_write.attr_clr = MOUNT_ATTR_RDONLY;
  for (const auto& path : writable)
    if (::mount_setattr(AT_FDCWD, path.c_str(), AT_RECURSIVE, &read_write, sizeof read_write) != 0)
      return failed("making the volume " + path + " writable");
  return {};
}

} // namespace

problem bind_folder(const std::string& path, descriptor& mount) {
  mount = descriptor(
      ::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  mount_attr wanted{};
  wanted.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  wanted.propagation = MS_PRIVATE;
  if (!mount
      || ::mount_setattr(mount.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted, sizeof wanted)
             != 0)
    return failed("binding " + path);
  return {};
}

problem enter_private_root(const root_contents& contents) {
  descriptor proc;
  if (auto x = make_proc(contents.read_only_proc, proc))
    return x;
  if (::setns(contents.mounts, CLONE_NEWNS) != 0 || ::unshare(CLONE_NEWNS) != 0)
    return failed("entering the private root");
  if (contents.of_container)
    if (auto x = seclude(contents.writable_paths))
      return x;
  if (!attach(proc.get(), "/proc"))
    return failed("mounting /proc");
  if (auto x = mount_tmp(contents.tmp_bytes))
    return x;
  if (!attach(contents.own_root, own_place))
    return failed(std::string("mounting ") + own_place);
  mount_attr read_only{};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(AT_FDCWD, "/", 0, &read_only, sizeof read_only) != 0 || ::chdir("/") != 0)
    return failed("making the private root read-only");
  return {};
}

} // namespace expbuild::runner
