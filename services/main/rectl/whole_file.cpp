#include "services/main/rectl/whole_file.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace expbuild {

absl::StatusOr<whole_file> whole_file::create(int dirfd, std::string name, mode_t mode) {
  whole_file made(dirfd, std::move(name));
  made.file_ = unique_fd(::openat(dirfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
  if (made.file_)
    return made;
  const auto hidden = made.hidden_name();
  ::unlinkat(dirfd, hidden.c_str(), 0);
  made.file_ = unique_fd(
      ::openat(dirfd, hidden.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!made.file_)
    return errno_status(errno, "creating " + made.name_);
  made.has_name_ = true;
  return made;
}

whole_file::~whole_file() {
  if (file_ && has_name_)
    ::unlinkat(dirfd_, hidden_name().c_str(), 0);
}

std::string whole_file::hidden_name() const {
  return ".rectl-" + std::to_string(::getpid()) + "-" + name_.substr(0, 200);
}

absl::Status whole_file::append(std::string_view bytes) {
  return write_all(file_.get(), bytes, "writing " + name_);
}

absl::Status whole_file::publish() {
  const auto hidden = hidden_name();
  if (!has_name_) {
    const auto self = "/proc/self/fd/" + std::to_string(file_.get());
    if (::linkat(AT_FDCWD, self.c_str(), dirfd_, hidden.c_str(), AT_SYMLINK_FOLLOW) != 0)
      return errno_status(errno, "creating " + name_);
    has_name_ = true;
  }
  if (::renameat(dirfd_, hidden.c_str(), dirfd_, name_.c_str()) != 0)
    return errno_status(errno, "creating " + name_);
  has_name_ = false;
  return absl::OkStatus();
}

} // namespace expbuild
