#include "storage/temporary_file.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace expbuild {

absl::StatusOr<temporary_file> temporary_file::create(std::shared_ptr<const unique_fd> folder,
                                                      mode_t mode) {
  static std::atomic<std::uint64_t> count{0};
  auto name = std::to_string(::getpid()) + "-" + std::to_string(++count);
  const int fd = ::openat(folder->get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0)
    return errno_status(errno, "creating a temporary file in the store");
  return temporary_file(std::move(folder), std::move(name), unique_fd(fd));
}

temporary_file::temporary_file(std::shared_ptr<const unique_fd> folder, std::string name,
                               unique_fd fd)
    : folder_(std::move(folder)), name_(std::move(name)), fd_(std::move(fd)) {}

temporary_file::temporary_file(temporary_file&& other) noexcept
    : folder_(std::move(other.folder_)), name_(std::exchange(other.name_, {})),
      fd_(std::move(other.fd_)) {}

temporary_file& temporary_file::operator=(temporary_file&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(name_, other.name_);
  std::swap(fd_, other.fd_);
  return *this;
}

temporary_file::~temporary_file() {
  if (!name_.empty())
    ::unlinkat(folder_->get(), name_.c_str(), 0);
}

absl::Status temporary_file::rename_to(int dirfd, const std::string& name, mode_t mode) {
  if (::fchmod(fd_.get(), mode) != 0)
    return errno_status(errno, "setting the mode of " + name);
  if (::close(fd_.release()) != 0) // a delayed write error shows here
    return errno_status(errno, "closing " + name);
  if (::renameat(folder_->get(), name_.c_str(), dirfd, name.c_str()) != 0)
    return errno_status(errno, "publishing " + name);
  name_.clear();
  return absl::OkStatus();
}

} // namespace expbuild
