#pragma once
#include "storage/disk/disk_calls.hpp"

#include <cerrno>
#include <cstdint>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

namespace expbuild::test {

/// The kernel's calls, and beside them what the disk would hold after a power cut: of every file
/// the bytes when it was last synced, of every folder the names when it was last synced. That is
/// the least that a filesystem may keep; most keep more. One thread at a time.
class forgetful_disk : public disk_calls {
public:
  /// What a cut does to names that were not synced.
  enum class names : std::uint8_t {
    lost, ///< a folder is as it was when it was synced
    kept  ///< they are there, and unsynced bytes are not: a journal of names only, as ext4 and XFS
  };

  /// What lies in `root` already was synced.
  explicit forgetful_disk(const std::filesystem::path& root) : root_(root) { look_at(root); }

  /// The power goes at the n-th call from now that changes the disk (0: never): it and all later
  /// ones fail, and change nothing.
  void cut_at(std::uint64_t change) {
    changes_ = 0;
    cut_at_ = change;
    is_off_ = false;
  }
  bool is_off() const { return is_off_; }

  /// Writes what the cut left into a new folder.
  void copy_what_is_left(const std::filesystem::path& into, names what) const {
    if (what == names::kept)
      copy_tree(root_, into);
    else
      copy_node(synced_, number_of(root_), into);
  }

  int open(int dirfd, const char* path, int flags, mode_t mode) override {
    const bool creates = (flags & O_CREAT) != 0;
    if (creates && stopped())
      return -1;
    const int fd = disk_calls::open(dirfd, path, flags, mode);
    if (creates && fd >= 0)
      remember(fd);
    return fd;
  }
  ssize_t write(int fd, const char* from, std::size_t size, off_t offset) override {
    return stopped() ? -1 : disk_calls::write(fd, from, size, offset);
  }
  ssize_t copy(int from, off_t& offset, int to, std::size_t size) override {
    return stopped() ? -1 : disk_calls::copy(from, offset, to, size);
  }
  int truncate(int fd, off_t size) override {
    return stopped() ? -1 : disk_calls::truncate(fd, size);
  }
  int chmod(int fd, mode_t mode) override { return stopped() ? -1 : disk_calls::chmod(fd, mode); }
  int rename(int from, const char* name, int to, const char* new_name) override {
    return stopped() ? -1 : disk_calls::rename(from, name, to, new_name);
  }
  int unlink(int dirfd, const char* name) override {
    return stopped() ? -1 : disk_calls::unlink(dirfd, name);
  }
  int make_folder(int dirfd, const char* name, mode_t mode) override {
    return stopped() ? -1 : disk_calls::make_folder(dirfd, name, mode);
  }
  int remove_folder(int dirfd, const char* name) override {
    return stopped() ? -1 : disk_calls::remove_folder(dirfd, name);
  }
  int sync(int fd) override {
    if (stopped())
      return -1;
    struct stat facts {};
    ::fstat(fd, &facts);
    if (S_ISDIR(facts.st_mode))
      synced_.folders[facts.st_ino] = names_in("/proc/self/fd/" + std::to_string(fd));
    else
      synced_.files[facts.st_ino] = bytes_of("/proc/self/fd/" + std::to_string(fd));
    return 0; // the real disk need not be waited for
  }

  ~forgetful_disk() override {
    for (const int fd : held_)
      ::close(fd);
  }

protected:
  using listing = std::map<std::string, ino_t>;

  /// What a disk holds.
  struct image {
    std::map<ino_t, std::string> files;
    std::map<ino_t, listing> folders;
  };

  const image& synced() const { return synced_; }
  ino_t root_number() const { return number_of(root_); }

  /// A folder that was never synced is empty.
  static void copy_node(const image& from, ino_t number, const std::filesystem::path& into) {
    if (from.files.count(number) != 0)
      return write_file(from.files.at(number), into);
    std::filesystem::create_directory(into);
    if (const auto found = from.folders.find(number); found != from.folders.end())
      for (const auto& [name, each] : found->second)
        copy_node(from, each, into / name);
  }

private:
  bool stopped() {
    if (cut_at_ != 0 && ++changes_ >= cut_at_)
      is_off_ = true;
    if (is_off_)
      errno = EIO;
    return is_off_;
  }

  /// Held open, so that its number is nobody else's as long as we live.
  void remember(int fd) {
    struct stat facts {};
    ::fstat(fd, &facts);
    held_.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    synced_.files[facts.st_ino];
  }

  static ino_t number_of(const std::filesystem::path& path) {
    struct stat facts {};
    ::lstat(path.c_str(), &facts);
    return facts.st_ino;
  }

  static listing names_in(const std::filesystem::path& folder) {
    listing all;
    for (const auto& each : std::filesystem::directory_iterator(folder))
      all[each.path().filename()] = number_of(each.path());
    return all;
  }

  static std::string bytes_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  void look_at(const std::filesystem::path& folder) {
    synced_.folders[number_of(folder)] = names_in(folder);
    for (const auto& each : std::filesystem::directory_iterator(folder)) {
      const auto number = number_of(each.path());
      held_.push_back(::open(each.path().c_str(), O_RDONLY | O_CLOEXEC));
      if (each.is_directory())
        look_at(each.path());
      else
        synced_.files[number] = bytes_of(each.path());
    }
  }

  static void write_file(const std::string& bytes, const std::filesystem::path& into) {
    std::ofstream(into, std::ios::binary) << bytes;
  }

  void copy_tree(const std::filesystem::path& now, const std::filesystem::path& into) const {
    std::filesystem::create_directory(into);
    for (const auto& each : std::filesystem::directory_iterator(now))
      if (each.is_directory())
        copy_tree(each.path(), into / each.path().filename());
      else
        write_file(synced_.files.at(number_of(each.path())), into / each.path().filename());
  }

  const std::filesystem::path root_;
  image synced_;
  std::vector<int> held_;
  std::uint64_t changes_ = 0;
  std::uint64_t cut_at_ = 0;
  bool is_off_ = false;
};

} // namespace expbuild::test
