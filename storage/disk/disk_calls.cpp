#include "storage/disk/disk_calls.hpp"

#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string>
#include <string_view>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace expbuild {

namespace {

std::string path_of(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

} // namespace

int disk_calls::open(int dirfd, const char* path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, dirfd, path, &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) // EAGAIN: a rename raced with the walk
      return static_cast<int>(fd);
  }
}

int disk_calls::close(int fd) {
  return ::close(fd);
}

ssize_t disk_calls::read(int fd, char* to, std::size_t size, off_t offset) {
  return ::pread(fd, to, size, offset);
}

ssize_t disk_calls::read_nowait(int fd, char* to, std::size_t size, off_t offset) {
  const iovec into{to, size};
  return ::preadv2(fd, &into, 1, offset, RWF_NOWAIT);
}

ssize_t disk_calls::write(int fd, const char* from, std::size_t size, off_t offset) {
  return ::pwrite(fd, from, size, offset);
}

ssize_t disk_calls::copy(int from, off_t& offset, int to, std::size_t size) {
  return ::copy_file_range(from, &offset, to, nullptr, size, 0);
}

int disk_calls::truncate(int fd, off_t size) {
  return ::ftruncate(fd, size);
}

int disk_calls::chmod(int fd, mode_t mode) {
  return ::fchmod(fd, mode);
}

int disk_calls::stat(int fd, struct stat& facts) {
  return ::fstat(fd, &facts);
}

int disk_calls::stat_filesystem(int fd, struct statvfs& facts) {
  return ::fstatvfs(fd, &facts);
}

void disk_calls::begin_sync(int fd) {
  ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int disk_calls::sync(int fd) {
  return ::fsync(fd);
}

int disk_calls::rename(int from, const char* name, int to, const char* new_name) {
  return ::renameat(from, name, to, new_name);
}

int disk_calls::link(int from, const char* name, int to, const char* new_name) {
  return ::linkat(from, name, to, new_name, 0);
}

int disk_calls::hold_file(int fd) {
  return ::open(path_of(fd).c_str(), O_PATH | O_CLOEXEC);
}

int disk_calls::link_file(int fd, int to, const char* new_name) {
  return ::linkat(AT_FDCWD, path_of(fd).c_str(), to, new_name, AT_SYMLINK_FOLLOW);
}

int disk_calls::unlink(int dirfd, const char* name) {
  return ::unlinkat(dirfd, name, 0);
}

int disk_calls::make_folder(int dirfd, const char* name, mode_t mode) {
  return ::mkdirat(dirfd, name, mode);
}

int disk_calls::remove_folder(int dirfd, const char* name) {
  return ::unlinkat(dirfd, name, AT_REMOVEDIR);
}

int disk_calls::list(int fd, const std::function<bool(const char*)>& visit) {
  const int own = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0)
    return -1;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(own), ::closedir);
  for (;;) {
    errno = 0;
    const auto* entry = ::readdir(listing.get()); // NOLINT(concurrency-mt-unsafe): its own stream
    if (entry == nullptr)
      return errno == 0 ? 0 : -1;
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !visit(entry->d_name))
      return 0;
  }
}

std::shared_ptr<disk_calls> real_disk() {
  static const auto only = std::make_shared<disk_calls>();
  return only;
}

} // namespace expbuild
