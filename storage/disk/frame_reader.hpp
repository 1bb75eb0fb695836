#pragma once
#include "storage/disk/disk_file.hpp"
#include "storage/disk/frame_table.hpp"

namespace expbuild {

/// Finds plain bytes in a file of frames and unpacks no more than it must: the frames that hold
/// them. Nothing in the file is trusted. Keeps nothing between two reads, and during one at most
/// some 3 MiB. Blocks; safe from any number of threads.
class frame_reader {
public:
  /// DATA_LOSS when the file can not be one of that many plain bytes.
  static absl::StatusOr<frame_reader> open(const disk_file& file, std::int64_t file_bytes,
                                           std::int64_t plain_bytes);

  /// As `disk_file::read_at`, of the plain bytes. DATA_LOSS when they are damaged.
  absl::StatusOr<std::size_t> read_at(const disk_file& file, std::int64_t offset,
                                      std::span<char> out) const;

  /// The table is the one that was written; else DATA_LOSS.
  absl::Status check_table(const disk_file& file) const;

  /// All frames, without the table: from the start of the file to here.
  std::int64_t packed_bytes() const noexcept { return layout_.packed_bytes; }

private:
  struct some_frames;

  explicit frame_reader(const frame_layout& layout) : layout_(layout) {}

  absl::StatusOr<some_frames> read_frames(const disk_file& file, std::int64_t first,
                                          std::int64_t last) const;

  frame_layout layout_;
};

} // namespace expbuild
