#pragma once
#include "storage/disk/blob_file.hpp"
#include "storage/disk/disk_file.hpp"

#include <vector>

namespace expbuild {

/// Writes one blob into a new file: compressed when that makes it smaller, else as it is. That is
/// decided by its first MiB. What is not enough for a frame yet waits in the file itself, at its
/// end: an upload that stalls holds no memory but 8 bytes for each frame before. One thread at a
/// time.
class frame_writer {
public:
  explicit frame_writer(std::int64_t plain_bytes) { layout_.plain_bytes = plain_bytes; }

  /// The next bytes, of `plain_bytes` at most. Compresses: some 4 ms a MiB. RESOURCE_EXHAUSTED when
  /// there is no memory for that; else as `disk_file::write_at`.
  absl::Status append(const disk_file& file, std::string_view bytes);

  /// After the last of them: how they lie in the file.
  absl::StatusOr<stored_as> finish(const disk_file& file);

private:
  absl::Status stage(const disk_file& file, std::string_view bytes);
  absl::Status pack_staged(const disk_file& file);
  absl::Status pack(const disk_file& file, std::string_view plain);
  bool is_worth_it(std::size_t packed, std::size_t plain, std::size_t frames) const;

  frame_layout layout_;
  std::vector<std::uint64_t> ends_;
  std::int64_t taken_ = 0;  ///< plain bytes, those staged included
  std::size_t staged_ = 0;  ///< plain bytes behind the packed ones
  bool as_it_is_ = false;   ///< it is not worth it
  bool was_staged_ = false; ///< the file may be longer than what is written last
};

} // namespace expbuild
