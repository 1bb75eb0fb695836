#pragma once
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace expbuild {

/// How a compressed blob lies in its file: as zstd frames (RFC 8878), each of the next so many
/// plain bytes and the last of what is left, and then in a skippable frame (section 3.1.2) a table:
///
///     8 a frame   where it ends in the file
///     16          "expbuild-frames1"
///     8           plain bytes of the blob
///     4           plain bytes of a frame
///     4           CRC-32 of all of the table before this
///
/// The least byte comes first. So any byte is found without unpacking what is before it, and the
/// whole file is a zstd stream, which `zstd -dc` unpacks.
struct frame_layout {
  static constexpr std::int64_t usual_frame_bytes = std::int64_t{256} << 10;
  static constexpr std::int64_t least_frame_bytes = std::int64_t{4} << 10;
  static constexpr std::int64_t largest_frame_bytes = std::int64_t{1} << 20;
  static constexpr std::int64_t end_size = 32;   ///< what follows the ends of the frames
  static constexpr std::int64_t header_size = 8; ///< of the skippable frame
  static constexpr std::int64_t number_size = 8; ///< an end of a frame

  std::int64_t plain_bytes = 0;
  std::int64_t frame_bytes = usual_frame_bytes; ///< plain ones
  std::int64_t packed_bytes = 0;                ///< of all frames: the table's frame begins here

  std::int64_t count() const { return (plain_bytes + frame_bytes - 1) / frame_bytes; }
  std::int64_t table_at() const { return packed_bytes + header_size; }
  std::int64_t file_bytes() const { return table_at() + count() * number_size + end_size; }
  /// Of frame `i`.
  std::int64_t plain_size(std::int64_t i) const;
};

/// The skippable frame with the table. `ends` has an entry a frame.
std::string encode_frame_table(const frame_layout& layout, std::span<const std::uint64_t> ends);

/// From the last `end_size` bytes of a file, which is `file_bytes` long and should hold a blob of
/// `plain_bytes`. DATA_LOSS when it does not.
absl::StatusOr<frame_layout> parse_frame_table_end(std::string_view end, std::int64_t file_bytes,
                                                   std::int64_t plain_bytes);

/// Finds out whether the bytes of a table, given piece by piece from the header of its frame on,
/// are those that were written.
class frame_table_check {
public:
  explicit frame_table_check(const frame_layout& layout);

  void update(std::string_view bytes);

  /// After the last of them.
  bool is_whole() const;

private:
  const std::string header_;
  std::string seen_header_;
  std::string last_; ///< bytes that may be the checksum
  std::uint32_t sum_;
};

} // namespace expbuild
