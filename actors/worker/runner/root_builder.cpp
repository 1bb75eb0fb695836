#include "actors/worker/runner/clone.hpp"
#include "actors/worker/runner/paths.hpp"
#include "actors/worker/runner/private_root.hpp"
#include "actors/worker/runner/report.hpp"

#include <array>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <utility>

/// make_private_root: once a runner.

namespace expbuild::runner {

namespace {

/// Any folder will do, in a namespace that is ours alone.
constexpr auto base = "/usr";

/// A part of the host, taken before anything is hidden.
struct part {
  std::string at;
  descriptor mount;
  bool folder = true;
};

class builder {
public:
  explicit builder(const v1::Setup& asked) : asked_(asked) {}

  problem build() {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return failed("making mounts private");
    if (auto x = collect())
      return x;
    if (::mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") != 0
        || ::chdir(base) != 0)
      return failed("mounting a root");
    if (auto x = furnish())
      return x;
    if (::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0
        || ::chdir("/") != 0)
      return failed("changing the root");
    return {};
  }

private:
  problem collect() {
    for (const auto* path : {"/usr", "/etc", "/opt"})
      if (auto x = take(path, ::access(path, F_OK) == 0))
        return x;
    for (const auto* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"})
      if (auto x = take_or_link(path))
        return x;
    for (const auto& path : asked_.readable_paths())
      if (auto x = take(path, ::access(path.c_str(), F_OK) == 0))
        return x;
    for (const auto* device :
         {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"})
      if (auto x = take(device, ::access(device, F_OK) == 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC))
        return x;
    return asked_.host_network() ? take_resolver() : problem{};
  }

  problem take(const std::string& path, bool wanted,
               unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) {
    if (!wanted)
      return {};
    part found;
    found.at = path;
    found.mount = descriptor(
        ::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    struct stat status {};
    mount_attr wish{};
    wish.attr_set = attributes;
    if (!found.mount || ::fstat(found.mount.get(), &status) != 0
        || ::mount_setattr(found.mount.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &wish, sizeof wish)
               != 0)
      return failed("binding " + path);
    found.folder = S_ISDIR(status.st_mode);
    parts_.push_back(std::move(found));
    return {};
  }

  /// Most systems have links here, into /usr.
  problem take_or_link(const std::string& path) {
    std::array<char, PATH_MAX> target{};
    const auto length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0)
      return take(path, ::access(path.c_str(), F_OK) == 0);
    links_.emplace_back(std::string(target.data(), static_cast<std::size_t>(length)), path);
    return {};
  }

  /// Where the system's own resolver writes /etc/resolv.conf, a link.
  problem take_resolver() {
    std::array<char, PATH_MAX> target{};
    if (::realpath("/etc/resolv.conf", target.data()) == nullptr)
      return {};
    const std::string path = target.data();
    return take(path, path.rfind("/run/", 0) == 0);
  }

  problem furnish() {
    for (const auto* folder : {own_place, "/proc", "/tmp", "/var/tmp", "/dev/shm", "/dev/pts"})
      if (!make_folders(folder))
        return failed(std::string("making ") + folder);
    links_.insert(links_.end(), {{"pts/ptmx", "/dev/ptmx"},
                                 {"/proc/self/fd", "/dev/fd"},
                                 {"/proc/self/fd/0", "/dev/stdin"},
                                 {"/proc/self/fd/1", "/dev/stdout"},
                                 {"/proc/self/fd/2", "/dev/stderr"}});
    for (const auto& [target, path] : links_)
      if (::symlink(target.c_str(), path.c_str() + 1) != 0)
        return failed("linking " + path);
    for (const auto& each : parts_)
      if (auto x = attach(each))
        return x;
    if (::mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                "newinstance,ptmxmode=0666,mode=0620")
        != 0)
      return failed("mounting /dev/pts");
    return {};
  }

  static bool make_folders(const std::string& path) {
    for (const auto& folder : folders_on_the_way(path))
      if (::mkdir(folder.c_str() + 1, 0755) != 0 && errno != EEXIST)
        return false;
    return true;
  }

  static problem attach(const part& each) {
    const auto parent = each.at.substr(0, each.at.rfind('/'));
    if (!make_folders(each.folder ? each.at : parent))
      return failed("making a place for " + each.at);
    const auto* at = each.at.c_str() + 1;
    if (!each.folder)
      ::close(::open(at, O_CREAT | O_WRONLY | O_CLOEXEC, 0444));
    if (::move_mount(each.mount.get(), "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH) != 0)
      return failed("mounting " + each.at);
    return {};
  }

  const v1::Setup& asked_;
  std::vector<part> parts_;
  std::vector<std::pair<std::string, std::string>> links_; ///< target, path
};

/// Builds it, says so, and stays until the other side has taken hold of it.
[[noreturn]] void build_and_wait(const v1::Setup& asked, int socket) {
  const auto trouble = builder(asked).build();
  send_report(socket, report_of(trouble));
  char nothing = 0;
  [[maybe_unused]] const auto n = ::read(socket, &nothing, 1);
  ::_exit(0);
}

} // namespace

problem make_private_root(const v1::Setup& asked, private_root& made) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return failed("making a socket");
  descriptor ours(ends[0]);
  descriptor theirs(ends[1]);
  int handle = -1;
  const auto pid = clone_with_pidfd(CLONE_NEWNS, handle);
  if (pid == 0) {
    ours = descriptor();
    build_and_wait(asked, theirs.get());
  }
  if (pid < 0)
    return failed("making a mount namespace");
  const descriptor pidfd(handle);
  theirs = descriptor();
  auto found = problem_in(receive_report(ours.get()));
  const auto process = "/proc/" + std::to_string(pid);
  if (!found) {
    made.mounts = descriptor(::open((process + "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
    if (!made.mounts)
      found = failed("taking hold of the private root");
  }
  ours = descriptor();
  ::waitpid(pid, nullptr, 0);
  return found;
}

} // namespace expbuild::runner
