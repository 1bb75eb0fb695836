#include "storage/disk/frame_reader.hpp"

#include "storage/little_endian.hpp"
#include "storage/zstd_codec.hpp"

#include <algorithm>
#include <cstring>

namespace expbuild {

namespace {

constexpr std::size_t check_size = std::size_t{64} << 10;

absl::Status damaged(const std::string& how) {
  return absl::DataLossError("its compressed file is damaged: " + how);
}

/// All of `out`.
absl::Status read_all(const disk_file& file, std::int64_t offset, std::span<char> out) {
  const auto n = file.read_at(offset, out);
  if (!n.ok())
    return n.status();
  return *n == out.size() ? absl::OkStatus() : damaged("it ends too early");
}

} // namespace

/// Neighbours, as they lie in the file.
struct frame_reader::some_frames {
  std::string packed;
  std::vector<std::size_t> ends; // in `packed`

  std::string_view at(std::size_t i) const {
    const auto begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(packed).substr(begin, ends[i] - begin);
  }
};

absl::StatusOr<frame_reader> frame_reader::open(const disk_file& file, std::int64_t file_bytes,
                                                std::int64_t plain_bytes) {
  std::string end(frame_layout::end_size, '\0');
  if (file_bytes < frame_layout::end_size)
    return damaged("it has only " + std::to_string(file_bytes) + " bytes");
  if (auto status = read_all(file, file_bytes - frame_layout::end_size, end); !status.ok())
    return status;
  const auto layout = parse_frame_table_end(end, file_bytes, plain_bytes);
  if (!layout.ok())
    return layout.status();
  return frame_reader(*layout);
}

/// The table says where they are; that must be possible before anything is read or allocated.
absl::StatusOr<frame_reader::some_frames>
frame_reader::read_frames(const disk_file& file, std::int64_t first, std::int64_t last) const {
  constexpr auto width = frame_layout::number_size;
  const auto from = std::max<std::int64_t>(0, first - 1); // the first begins where that one ends
  std::string table(static_cast<std::size_t>((last - from + 1) * width), '\0');
  if (auto status = read_all(file, layout_.table_at() + from * width, table); !status.ok())
    return status;
  std::string_view rest(table);
  const auto begin = first == 0 ? 0 : take_number<std::uint64_t>(rest);
  const auto limit = largest_zstd_frame(static_cast<std::size_t>(layout_.frame_bytes));
  const auto all = static_cast<std::uint64_t>(layout_.packed_bytes);
  some_frames found;
  for (auto previous = begin; !rest.empty();) {
    const auto end = take_number<std::uint64_t>(rest);
    if (end <= previous || end > all || end - previous > limit)
      return damaged("its table names a frame that can not be");
    found.ends.push_back(static_cast<std::size_t>(end - begin));
    previous = end;
  }
  found.packed.resize(found.ends.back());
  if (auto status = read_all(file, static_cast<std::int64_t>(begin), found.packed); !status.ok())
    return status;
  return found;
}

absl::StatusOr<std::size_t> frame_reader::read_at(const disk_file& file, std::int64_t offset,
                                                  std::span<char> out) const {
  if (offset < 0 || offset >= layout_.plain_bytes)
    return 0;
  const auto size = layout_.frame_bytes;
  out = out.first(static_cast<std::size_t>(
      std::min<std::int64_t>(std::ssize(out), layout_.plain_bytes - offset)));
  const auto at_once = frame_layout::largest_frame_bytes / size;
  std::string part; // of a frame that is not wanted as a whole
  for (auto rest = out; !rest.empty();) {
    const auto first = offset / size;
    const auto last = std::min((offset + std::ssize(rest) - 1) / size, first + at_once - 1);
    const auto frames = read_frames(file, first, last);
    if (!frames.ok())
      return frames.status();
    for (auto i = first; i <= last; ++i) {
      const auto frame = frames->at(static_cast<std::size_t>(i - first));
      const auto skipped = static_cast<std::size_t>(offset - i * size);
      const auto plain = static_cast<std::size_t>(layout_.plain_size(i));
      const auto n = std::min(rest.size(), plain - skipped);
      if (n < plain)
        part.resize(plain);
      const auto to = n < plain ? std::span<char>(part) : rest.first(n);
      if (auto status = unpack_zstd_frame(frame, to); !status.ok())
        return status;
      if (n < plain)
        std::memcpy(rest.data(), part.data() + skipped, n);
      rest = rest.subspan(n);
      offset += static_cast<std::int64_t>(n);
    }
  }
  return out.size();
}

absl::Status frame_reader::check_table(const disk_file& file) const {
  frame_table_check check(layout_);
  const auto end = layout_.file_bytes();
  std::string buffer(check_size, '\0');
  for (auto offset = layout_.packed_bytes; offset < end;) {
    const auto part = std::span<char>(buffer).first(
        static_cast<std::size_t>(std::min<std::int64_t>(end - offset, check_size)));
    if (auto status = read_all(file, offset, part); !status.ok())
      return status;
    check.update({part.data(), part.size()});
    offset += std::ssize(part);
  }
  return check.is_whole() ? absl::OkStatus() : damaged("its table is not the one that was written");
}

} // namespace expbuild
