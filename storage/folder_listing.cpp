#include "storage/folder_listing.hpp"

#include "storage/posix.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>

namespace expbuild {

absl::Status list_folder(int dirfd, const std::string& path,
                         const std::function<absl::Status(const std::string&)>& visit) {
  const int fd = ::openat(dirfd, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOTDIR ? absl::OkStatus() : errno_status(errno, "listing folder " + path);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(fd), ::closedir);
  for (;;) {
    errno = 0;
    const auto* entry = ::readdir(listing.get()); // NOLINT(concurrency-mt-unsafe): its own stream
    if (entry == nullptr)
      return errno == 0 ? absl::OkStatus() : errno_status(errno, "listing folder " + path);
    const std::string name = entry->d_name;
    if (name == "." || name == "..")
      continue;
    if (auto status = visit(name); !status.ok())
      return status;
  }
}

} // namespace expbuild
