#pragma once
#include "storage/blob_place.hpp"
#include "storage/digest.hpp"
#include "storage/disk/disk_file.hpp"
#include "storage/disk/frame_reader.hpp"

#include <optional>

namespace expbuild {

/// How a blob lies in a file of its own.
enum class stored_as : std::uint8_t {
  plain, ///< as it is
  frames ///< compressed: frame_table.hpp
};

/// Where such a blob lies, for the index.
blob_place place_in_file(stored_as form, std::int64_t file_bytes);

/// A file before anybody has looked into it.
struct found_file {
  disk_file file;
  stored_as form = stored_as::plain;
};

/// One blob in a file of its own, open for reading, however it lies there. Blocks where a
/// `disk_file` does; what is compressed costs CPU time, too. Safe from any number of threads.
class blob_file {
public:
  /// DATA_LOSS when this can not be the file of that blob.
  static absl::StatusOr<blob_file> open(found_file found, const digest& id);

  /// Its bytes. DATA_LOSS when a frame of it is damaged.
  absl::StatusOr<std::size_t> read_at(std::int64_t offset, std::span<char> out) const;

  /// Compressed ones are never at hand.
  absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t offset,
                                                         std::span<char> out) const;

  /// Writes all its bytes, from the start of `to` on.
  absl::Status copy_to(const disk_file& to) const;

  /// Hashes all of it. DATA_LOSS when it is damaged.
  absl::Status check() const;

  /// Of a compressed one: how many bytes its frames take at the start of `file`, which are one zstd
  /// stream of all its bytes. 0 of another.
  std::int64_t stream_bytes() const { return frames_ ? frames_->packed_bytes() : 0; }

  const disk_file& file() const noexcept { return file_; }
  stored_as form() const noexcept { return frames_ ? stored_as::frames : stored_as::plain; }
  blob_place place() const noexcept { return place_; }

  /// See `stamp_of`.
  std::uint32_t stamp() const noexcept { return stamp_; }

private:
  blob_file(disk_file file, const digest& id) : file_(std::move(file)), id_(id) {}

  disk_file file_;
  digest id_;
  std::optional<frame_reader> frames_;
  blob_place place_;
  std::uint32_t stamp_ = 0;
};

/// Changes whenever somebody writes to the file or puts another in its place. Never 0.
std::uint32_t stamp_of(const struct stat& facts);

} // namespace expbuild
