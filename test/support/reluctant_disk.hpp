#pragma once
#include "test/support/failing_disk.hpp"

#include <algorithm>
#include <mutex>
#include <random>

namespace expbuild::test {

/// The kernel's calls on a bad day: a signal interrupts half of them, and the others read, write
/// and copy a few bytes at a time.
class reluctant_disk : public failing_disk {
public:
  ssize_t read(int fd, char* to, std::size_t size, off_t offset) override {
    return interrupted() ? -1 : failing_disk::read(fd, to, a_bit_of(size), offset);
  }
  ssize_t write(int fd, const char* from, std::size_t size, off_t offset) override {
    return interrupted() ? -1 : failing_disk::write(fd, from, a_bit_of(size), offset);
  }
  ssize_t copy(int from, off_t& offset, int to, std::size_t size) override {
    return interrupted() ? -1 : failing_disk::copy(from, offset, to, a_bit_of(size));
  }
  int sync(int fd) override { return interrupted() ? -1 : failing_disk::sync(fd); }

private:
  bool interrupted() {
    errno = EINTR;
    return next() % 2 == 0;
  }
  std::size_t a_bit_of(std::size_t size) { return std::min<std::size_t>(size, 1 + next() % 700); }
  std::uint32_t next() {
    const std::lock_guard lock(guard_);
    return random_();
  }

  std::mutex guard_;
  std::mt19937 random_;
};

} // namespace expbuild::test
