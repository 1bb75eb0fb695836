#pragma once
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace expbuild {

/// Owns one file descriptor.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd();

  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

/// "DOING: reason", with the code that clients can act on: a full disk is RESOURCE_EXHAUSTED, no
/// descriptors or memory UNAVAILABLE (never NOT_FOUND), the rest as its name says or INTERNAL.
absl::Status errno_status(int error, const std::string& doing);

/// Writes all of it, whatever the kernel takes at a time.
absl::Status write_all(int fd, std::string_view bytes, const std::string& doing);

/// Opens `path` without leaving `dirfd` and without following any symlink (openat2,
/// RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS). Always close-on-exec.
absl::StatusOr<unique_fd> open_beneath(int dirfd, const std::string& path, int flags,
                                       mode_t mode = 0);

/// Where the symlink `name` beneath `dirfd` points to.
absl::StatusOr<std::string> read_link(int dirfd, const std::string& name);

/// Opens the folder `name` beneath `dirfd`, creating it with `mode` when absent.
absl::StatusOr<unique_fd> make_folder(int dirfd, const std::string& name, mode_t mode);

} // namespace expbuild
