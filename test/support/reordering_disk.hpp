#pragma once
#include "test/support/forgetful_disk.hpp"

#include <algorithm>
#include <random>

namespace expbuild::test {

/// As `forgetful_disk`, but of what was not synced any part may have reached the disk, in any
/// order: of bytes any sector, of names any change. And it may lie: then a sync says that all is
/// well, and is none. One thread at a time.
class reordering_disk : public forgetful_disk {
public:
  using forgetful_disk::forgetful_disk;

  /// From now on syncs do nothing.
  void lie() { lies_ = true; }

  /// Writes what one of the possible cuts left into a new folder.
  void copy_some_of_it(const std::filesystem::path& into, std::uint32_t seed) const {
    std::mt19937 random(seed);
    const auto part = random() % 5; // of four: how much of it survives
    const auto survives = [&random, part] { return random() % 4 < part; };
    auto left = synced();
    for (const auto& [file, sectors] : sectors_)
      for (const auto& x : sectors)
        if (survives())
          x.apply(left.files[file]);
    for (const auto& [folder, changes] : names_)
      for (const auto& x : changes)
        if (survives())
          x.apply(left.folders[folder]);
    copy_node(left, root_number(), into);
  }

  int open(int dirfd, const char* path, int flags, mode_t mode) override {
    const int fd = forgetful_disk::open(dirfd, path, flags, mode);
    if (fd >= 0 && (flags & O_CREAT) != 0)
      note(dirfd, path, true, number_of_open(fd));
    return fd;
  }
  ssize_t write(int fd, const char* from, std::size_t size, off_t offset) override {
    const auto n = forgetful_disk::write(fd, from, size, offset);
    for (ssize_t done = 0; done < n;) {
      const auto piece = std::min<ssize_t>(n - done, sector - (offset + done) % sector);
      sectors_[number_of_open(fd)].push_back(
          {offset + done, std::string(from + done, static_cast<std::size_t>(piece)), false});
      done += piece;
    }
    return n;
  }
  int truncate(int fd, off_t size) override {
    const int result = forgetful_disk::truncate(fd, size);
    if (result == 0)
      sectors_[number_of_open(fd)].push_back({size, {}, true});
    return result;
  }
  int rename(int from, const char* name, int to, const char* new_name) override {
    const auto number = number_at(from, name);
    const int result = forgetful_disk::rename(from, name, to, new_name);
    if (result == 0) {
      note(from, name, false, number);
      note(to, new_name, true, number);
    }
    return result;
  }
  int unlink(int dirfd, const char* name) override {
    const auto number = number_at(dirfd, name);
    const int result = forgetful_disk::unlink(dirfd, name);
    if (result == 0)
      note(dirfd, name, false, number);
    return result;
  }
  int make_folder(int dirfd, const char* name, mode_t mode) override {
    const int result = forgetful_disk::make_folder(dirfd, name, mode);
    if (result == 0)
      note(dirfd, name, true, number_at(dirfd, name));
    return result;
  }
  int remove_folder(int dirfd, const char* name) override {
    const auto number = number_at(dirfd, name);
    const int result = forgetful_disk::remove_folder(dirfd, name);
    if (result == 0)
      note(dirfd, name, false, number);
    return result;
  }
  int sync(int fd) override {
    if (lies_)
      return is_off() ? forgetful_disk::sync(fd) : 0;
    const int result = forgetful_disk::sync(fd);
    if (result == 0) {
      sectors_.erase(number_of_open(fd));
      names_.erase(number_of_open(fd));
    }
    return result;
  }

private:
  static constexpr off_t sector = 512;

  /// Bytes that were written at a place, or the place where a file was cut.
  struct written {
    off_t offset;
    std::string bytes;
    bool cut;

    void apply(std::string& file) const {
      const auto at = static_cast<std::size_t>(offset);
      if (cut || file.size() < at + bytes.size())
        file.resize(at + bytes.size());
      file.replace(at, bytes.size(), bytes);
    }
  };

  struct change {
    std::string name;
    bool is_there;
    ino_t number;

    void apply(listing& folder) const {
      if (is_there)
        folder[name] = number;
      else if (const auto found = folder.find(name);
               found != folder.end() && found->second == number)
        folder.erase(found);
    }
  };

  static ino_t number_of_open(int fd) {
    struct stat facts {};
    ::fstat(fd, &facts);
    return facts.st_ino;
  }

  static ino_t number_at(int dirfd, const char* path) {
    struct stat facts {};
    ::fstatat(dirfd, path, &facts, AT_SYMLINK_NOFOLLOW);
    return facts.st_ino;
  }

  void note(int dirfd, const char* path, bool is_there, ino_t number) {
    const std::filesystem::path whole(path);
    const auto folder = whole.has_parent_path() ? number_at(dirfd, whole.parent_path().c_str())
                                                : number_of_open(dirfd);
    names_[folder].push_back({whole.filename(), is_there, number});
  }

  std::map<ino_t, std::vector<written>> sectors_;
  std::map<ino_t, std::vector<change>> names_;
  bool lies_ = false;
};

} // namespace expbuild::test
