#pragma once
#include "storage/disk/disk_calls.hpp"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace expbuild {

/// One open file of a store. Owns its descriptor. Errors name the file and carry the codes of
/// `errno_status`. Reading and writing is positional and safe from any thread.
class disk_file {
public:
  disk_file() = default;
  disk_file(std::shared_ptr<disk_calls> calls, int fd, std::string name)
      : calls_(std::move(calls)), fd_(fd), name_(std::move(name)) {}
  disk_file(disk_file&& other) noexcept
      : calls_(std::move(other.calls_)), fd_(std::exchange(other.fd_, -1)),
        name_(std::move(other.name_)) {}
  disk_file& operator=(disk_file&& other) noexcept;
  ~disk_file();

  explicit operator bool() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }
  const std::string& name() const noexcept { return name_; }

  /// Fills `out`; less only at the file's end.
  absl::StatusOr<std::size_t> read_at(std::int64_t offset, std::span<char> out) const;

  /// As `read_at` in one go without waiting: nullopt when nothing of it is in memory.
  absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t offset,
                                                         std::span<char> out) const;

  /// Writes all of it.
  absl::Status write_at(std::int64_t offset, std::string_view bytes) const;

  /// Everything up to `size`, from the start of `from` on.
  absl::Status copy_from(const disk_file& from) const;

  absl::Status truncate(std::int64_t size) const;
  absl::Status set_mode(mode_t mode) const;

  void begin_sync() const { calls_->begin_sync(fd_); }

  /// What was written survives a power cut. An error is final: the kernel may have dropped the
  /// bytes, and asking again may say OK (https://lwn.net/Articles/752063).
  absl::Status sync() const;

  absl::StatusOr<struct stat> facts() const;

  /// The same file, to be linked by: it stays when this one is closed.
  absl::StatusOr<disk_file> hold() const;

  /// A delayed write error shows here. The descriptor is gone either way.
  absl::Status close();

private:
  absl::Status copy_by_hand(const disk_file& from, std::int64_t offset) const;
  absl::Status failed(int error, const char* doing) const;

  std::shared_ptr<disk_calls> calls_;
  int fd_ = -1;
  std::string name_;
};

/// One open folder of a store. All names are ours, made of digests and numbers. Cheap to copy.
class disk_folder {
public:
  /// Created with mode 0700, parents too, when absent.
  static absl::StatusOr<disk_folder> open_root(std::shared_ptr<disk_calls> calls,
                                               const std::string& path);

  /// Created with mode 0700 when absent.
  absl::StatusOr<disk_folder> subfolder(const std::string& name) const;

  /// NOT_FOUND when absent. `name` may have several parts.
  absl::StatusOr<disk_folder> existing(const std::string& name) const;
  absl::StatusOr<disk_file> open(const std::string& name, int flags = 0) const;

  /// All of a small file.
  absl::StatusOr<std::string> read(const std::string& name) const;

  /// ALREADY_EXISTS when there is one.
  absl::StatusOr<disk_file> create(const std::string& name, mode_t mode) const;

  /// Replaces what is there.
  absl::Status move(const std::string& name, const disk_folder& to,
                    const std::string& new_name) const;

  /// To a folder outside of the store. UNIMPLEMENTED where links can not be.
  absl::Status link(const std::string& name, int dirfd, const std::string& new_name) const;

  /// A new file in a folder outside of the store.
  absl::StatusOr<disk_file> create_outside(int dirfd, const std::string& name, mode_t mode) const;
  absl::Status remove_outside(int dirfd, const std::string& name) const;

  /// A file from outside, as `hold` answers it, gets a name in here. UNIMPLEMENTED where links can
  /// not be, ALREADY_EXISTS when the name is taken, NOT_FOUND also when it has no other name.
  absl::Status link_file(const disk_file& file, const std::string& new_name) const;

  /// OK also when there was none.
  absl::Status remove(const std::string& name) const { return remove_if_there(name).status(); }
  /// False when there was none.
  absl::StatusOr<bool> remove_if_there(const std::string& name) const;
  absl::Status remove_folder(const std::string& name) const;

  /// In no order. Stops at the first error of `visit`, and answers it.
  absl::Status list(const std::function<absl::Status(const std::string&)>& visit) const;

  /// The names in it survive a power cut.
  absl::Status sync() const { return file_->sync(); }

  absl::StatusOr<struct statvfs> filesystem() const;

  int fd() const noexcept { return file_->fd(); }

private:
  disk_folder(std::shared_ptr<disk_calls> calls, int fd, std::string path)
      : calls_(calls), file_(std::make_shared<disk_file>(calls, fd, std::move(path))) {}
  std::string path_of(const std::string& name) const { return file_->name() + "/" + name; }

  std::shared_ptr<disk_calls> calls_;
  std::shared_ptr<const disk_file> file_;
};

} // namespace expbuild
