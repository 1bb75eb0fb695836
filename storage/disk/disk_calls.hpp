#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

namespace expbuild {

/// The system calls by which a store touches its disk: the seam where tests make each of them fail,
/// or forget what was not synced. Every call keeps the kernel's convention: -1 and errno. As they
/// stand here they are the kernel's. Safe from any number of threads.
class disk_calls {
public:
  virtual ~disk_calls() = default;

  /// Beneath `dirfd`, following no symlink, close-on-exec.
  virtual int open(int dirfd, const char* path, int flags, mode_t mode);
  virtual int close(int fd);
  virtual ssize_t read(int fd, char* to, std::size_t size, off_t offset);
  /// EAGAIN when the bytes are not in memory.
  virtual ssize_t read_nowait(int fd, char* to, std::size_t size, off_t offset);
  virtual ssize_t write(int fd, const char* from, std::size_t size, off_t offset);
  virtual ssize_t copy(int from, off_t& offset, int to, std::size_t size);
  virtual int truncate(int fd, off_t size);
  virtual int chmod(int fd, mode_t mode);
  virtual int stat(int fd, struct stat& facts);
  virtual int stat_filesystem(int fd, struct statvfs& facts);
  /// The system may begin to write the file out. Only ever makes a later `sync` shorter.
  virtual void begin_sync(int fd);
  /// The bytes of a file, or the names in a folder, survive a power cut from here on.
  virtual int sync(int fd);
  virtual int rename(int from, const char* name, int to, const char* new_name);
  virtual int link(int from, const char* name, int to, const char* new_name);
  /// Another descriptor of the same file, good for `link_file` alone.
  virtual int hold_file(int fd);
  /// The file itself gets the name, whatever has its old one by now.
  virtual int link_file(int fd, int to, const char* new_name);
  virtual int unlink(int dirfd, const char* name);
  virtual int make_folder(int dirfd, const char* name, mode_t mode);
  virtual int remove_folder(int dirfd, const char* name);
  /// Calls `visit` with every name in the folder but "." and ".."; stops when it says false.
  virtual int list(int fd, const std::function<bool(const char*)>& visit);
};

/// The kernel's own.
std::shared_ptr<disk_calls> real_disk();

} // namespace expbuild
