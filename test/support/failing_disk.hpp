#pragma once
#include "storage/disk/disk_calls.hpp"

#include <atomic>
#include <cerrno>

namespace expbuild::test {

/// The kernel's calls, one of which fails: the n-th that is made, or that and all after it. Syncing
/// takes no time.
class failing_disk : public disk_calls {
public:
  /// From now on. `call` counts from 1; 0: none fails.
  void fail(std::uint64_t call, int error, bool for_ever = false) {
    made_ = 0;
    error_ = error;
    for_ever_ = for_ever;
    failing_ = call;
  }

  /// How many calls were made since `fail`.
  std::uint64_t calls() const { return made_; }
  bool has_failed() const { return failing_ != 0 && made_ >= failing_; }

  int open(int dirfd, const char* path, int flags, mode_t mode) override {
    return fails() ? -1 : disk_calls::open(dirfd, path, flags, mode);
  }
  ssize_t read(int fd, char* to, std::size_t size, off_t offset) override {
    return fails() ? -1 : disk_calls::read(fd, to, size, offset);
  }
  ssize_t write(int fd, const char* from, std::size_t size, off_t offset) override {
    return fails() ? -1 : disk_calls::write(fd, from, size, offset);
  }
  ssize_t copy(int from, off_t& offset, int to, std::size_t size) override {
    return fails() ? -1 : disk_calls::copy(from, offset, to, size);
  }
  int truncate(int fd, off_t size) override {
    return fails() ? -1 : disk_calls::truncate(fd, size);
  }
  int chmod(int fd, mode_t mode) override { return fails() ? -1 : disk_calls::chmod(fd, mode); }
  int stat(int fd, struct stat& facts) override {
    return fails() ? -1 : disk_calls::stat(fd, facts);
  }
  int sync(int) override { return fails() ? -1 : 0; } // nobody cuts the power in a test
  int rename(int from, const char* name, int to, const char* new_name) override {
    return fails() ? -1 : disk_calls::rename(from, name, to, new_name);
  }
  int link(int from, const char* name, int to, const char* new_name) override {
    return fails() ? -1 : disk_calls::link(from, name, to, new_name);
  }
  int hold_file(int fd) override { return fails() ? -1 : disk_calls::hold_file(fd); }
  int link_file(int fd, int to, const char* new_name) override {
    return fails() ? -1 : disk_calls::link_file(fd, to, new_name);
  }
  int unlink(int dirfd, const char* name) override {
    return fails() ? -1 : disk_calls::unlink(dirfd, name);
  }
  int make_folder(int dirfd, const char* name, mode_t mode) override {
    return fails() ? -1 : disk_calls::make_folder(dirfd, name, mode);
  }
  int list(int fd, const std::function<bool(const char*)>& visit) override {
    return fails() ? -1 : disk_calls::list(fd, visit);
  }

private:
  bool fails() {
    const auto n = ++made_;
    const auto at = failing_.load();
    if (at == 0 || (for_ever_ ? n < at : n != at))
      return false;
    errno = error_;
    return true;
  }

  std::atomic<std::uint64_t> made_{0};
  std::atomic<std::uint64_t> failing_{0};
  std::atomic<int> error_{0};
  std::atomic<bool> for_ever_{false};
};

} // namespace expbuild::test
