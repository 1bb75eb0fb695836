#include "storage/posix.hpp"

#include "storage/disk/disk_calls.hpp"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace expbuild {

unique_fd::~unique_fd() {
  if (fd_ >= 0)
    ::close(fd_);
}

absl::Status errno_status(int error, const std::string& doing) {
  const auto text = doing + ": " + std::generic_category().message(error);
  switch (error) {
  case ENOENT:
  case ENOTDIR:
    return absl::NotFoundError(text);
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return absl::ResourceExhaustedError(text);
  case EMFILE:
  case ENFILE:
  case ENOMEM:
  case EAGAIN:
    return absl::UnavailableError(text);
  case EACCES:
  case EPERM:
  case EROFS:
    return absl::PermissionDeniedError(text);
  case EEXIST:
    return absl::AlreadyExistsError(text);
  case ELOOP:
  case EXDEV:
    return absl::FailedPreconditionError(text);
  default:
    return absl::InternalError(text);
  }
}

absl::Status write_all(int fd, std::string_view bytes, const std::string& doing) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno_status(errno, doing);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return absl::OkStatus();
}

absl::StatusOr<unique_fd> open_beneath(int dirfd, const std::string& path, int flags, mode_t mode) {
  if (path.find('\0') != std::string::npos)
    return absl::InvalidArgumentError("a path with a NUL character can not be opened");
  const int fd = real_disk()->open(dirfd, path.c_str(), flags, mode);
  if (fd < 0)
    return errno_status(errno, "opening " + path);
  return unique_fd(fd);
}

absl::StatusOr<std::string> read_link(int dirfd, const std::string& name) {
  std::string target(PATH_MAX, '\0');
  const auto n = ::readlinkat(dirfd, name.c_str(), target.data(), target.size());
  if (n <= 0)
    return errno_status(n < 0 ? errno : EINVAL, "reading link " + name);
  target.resize(static_cast<std::size_t>(n));
  return target;
}

absl::StatusOr<unique_fd> make_folder(int dirfd, const std::string& name, mode_t mode) {
  if (::mkdirat(dirfd, name.c_str(), mode) != 0 && errno != EEXIST)
    return errno_status(errno, "making folder " + name);
  const int fd = ::openat(dirfd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return errno_status(errno, "opening folder " + name);
  return unique_fd(fd);
}

} // namespace expbuild
