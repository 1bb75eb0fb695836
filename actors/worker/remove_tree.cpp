#include "actors/worker/remove_tree.hpp"

#include "storage/folder_listing.hpp"
#include "storage/posix.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace expbuild {

namespace {

/// Opens a folder for listing and emptying, giving us the rights to do so where we may. By the
/// folder itself: its name may mean a link to anything a moment later, if others run as its owner.
absl::StatusOr<unique_fd> open_to_empty(int dirfd, const std::string& name) {
  const unique_fd found(
      ::openat(dirfd, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!found)
    return errno_status(errno, "opening '" + name + "' to remove it");
  // Ours, or we are root; otherwise the open tells.
  const auto itself = "/proc/self/fd/" + std::to_string(found.get());
  [[maybe_unused]] const int changed = ::chmod(itself.c_str(), 0700);
  const int fd = ::openat(found.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return errno_status(errno, "opening '" + name + "' to remove it");
  return unique_fd(fd);
}

/// Removes what is no folder; returns the names of the folders.
absl::StatusOr<std::vector<std::string>> remove_files(int dirfd) {
  std::vector<std::string> folders;
  auto status = list_folder(dirfd, ".", [&](const std::string& name) {
    if (::unlinkat(dirfd, name.c_str(), 0) == 0 || errno == ENOENT)
      return absl::OkStatus();
    if (errno != EISDIR && errno != EPERM)
      return errno_status(errno, "removing '" + name + "'");
    folders.push_back(name);
    return absl::OkStatus();
  });
  if (!status.ok())
    return status;
  return folders;
}

/// One folder on the way down.
struct level {
  std::string name;
  std::vector<std::string> folders; // still to be emptied
};

absl::Status enter(std::vector<level>& path, unique_fd& here, const std::string& name) {
  auto inside = open_to_empty(here.get(), name);
  if (!inside.ok())
    return inside.status();
  auto folders = remove_files(inside->get());
  if (!folders.ok())
    return folders.status();
  here = *std::move(inside);
  path.push_back({name, *std::move(folders)});
  return absl::OkStatus();
}

} // namespace

/// Goes down and up with one descriptor, whatever the depth. "..", as we opened the folder
/// ourselves and nobody runs in it any more.
absl::Status remove_tree(int dirfd, const std::string& name) {
  for (const int what : {AT_REMOVEDIR, 0}) // many a folder is empty
    if (::unlinkat(dirfd, name.c_str(), what) == 0 || errno == ENOENT)
      return absl::OkStatus();
  unique_fd here(::fcntl(dirfd, F_DUPFD_CLOEXEC, 3));
  std::vector<level> path;
  if (auto status = enter(path, here, name); !status.ok())
    return status;
  while (!path.empty()) {
    if (!path.back().folders.empty()) {
      const auto next = std::move(path.back().folders.back());
      path.back().folders.pop_back();
      if (auto status = enter(path, here, next); !status.ok())
        return status;
      continue;
    }
    here = unique_fd(::openat(here.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!here || ::unlinkat(here.get(), path.back().name.c_str(), AT_REMOVEDIR) != 0)
      return errno_status(errno, "removing folder '" + path.back().name + "'");
    path.pop_back();
  }
  return absl::OkStatus();
}

} // namespace expbuild
