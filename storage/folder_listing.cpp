#include "storage/folder_listing.hpp"

#include "storage/disk/disk_calls.hpp"
#include "storage/posix.hpp"

#include <cerrno>
#include <fcntl.h>

namespace expbuild {

absl::Status list_folder(int dirfd, const std::string& path,
                         const std::function<absl::Status(const std::string&)>& visit) {
  const unique_fd folder(
      ::openat(dirfd, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder)
    return errno == ENOTDIR ? absl::OkStatus() : errno_status(errno, "listing folder " + path);
  absl::Status status;
  const int done = real_disk()->list(folder.get(), [&](const char* name) {
    status = visit(name);
    return status.ok();
  });
  return done == 0 ? status : errno_status(errno, "listing folder " + path);
}

} // namespace expbuild
