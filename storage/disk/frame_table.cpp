#include "storage/disk/frame_table.hpp"

#include "storage/little_endian.hpp"

#include <algorithm>
#include <zlib.h>

namespace expbuild {

namespace {

constexpr std::uint32_t skippable = 0x184D2A5B; // one of 16 numbers for what users define
constexpr std::string_view magic = "expbuild-frames1";
constexpr std::size_t sum_size = 4;
constexpr std::int64_t largest_blob = std::int64_t{1} << 50; // sizes are added and multiplied

std::uint32_t sum_of(std::uint32_t before, std::string_view bytes) {
  return static_cast<std::uint32_t>(::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()),
                                              static_cast<z_size_t>(bytes.size())));
}

std::string header_of(const frame_layout& layout) {
  std::string header;
  put_number(header, skippable);
  put_number(header, static_cast<std::uint32_t>(layout.file_bytes() - layout.table_at()));
  return header;
}

absl::Status damaged(const std::string& how) {
  return absl::DataLossError("its table of frames is damaged: " + how);
}

} // namespace

std::int64_t frame_layout::plain_size(std::int64_t i) const {
  return std::min(frame_bytes, plain_bytes - i * frame_bytes);
}

std::string encode_frame_table(const frame_layout& layout, std::span<const std::uint64_t> ends) {
  auto bytes = header_of(layout);
  const auto start = bytes.size();
  for (const auto x : ends)
    put_number(bytes, x);
  bytes.append(magic);
  put_number(bytes, static_cast<std::uint64_t>(layout.plain_bytes));
  put_number(bytes, static_cast<std::uint32_t>(layout.frame_bytes));
  put_number(bytes, sum_of(0, std::string_view(bytes).substr(start)));
  return bytes;
}

absl::StatusOr<frame_layout> parse_frame_table_end(std::string_view end, std::int64_t file_bytes,
                                                   std::int64_t plain_bytes) {
  if (std::ssize(end) != frame_layout::end_size || end.substr(0, magic.size()) != magic)
    return damaged("it does not end as one");
  end.remove_prefix(magic.size());
  frame_layout x;
  x.plain_bytes = plain_bytes;
  if (take_number<std::uint64_t>(end) != static_cast<std::uint64_t>(plain_bytes))
    return damaged("it is of a blob of another size");
  x.frame_bytes = take_number<std::uint32_t>(end);
  if (plain_bytes < 0 || plain_bytes > largest_blob)
    return damaged("no blob is so large");
  if (x.frame_bytes < frame_layout::least_frame_bytes
      || x.frame_bytes > frame_layout::largest_frame_bytes)
    return damaged("its frames have " + std::to_string(x.frame_bytes) + " bytes");
  x.packed_bytes = file_bytes - x.file_bytes();
  if (x.packed_bytes <= 0)
    return damaged("the file has only " + std::to_string(file_bytes) + " bytes");
  return x;
}

frame_table_check::frame_table_check(const frame_layout& layout)
    : header_(header_of(layout)), sum_(sum_of(0, {})) {}

void frame_table_check::update(std::string_view bytes) {
  const auto rest = std::min(bytes.size(), header_.size() - seen_header_.size());
  seen_header_.append(bytes.substr(0, rest));
  last_.append(bytes.substr(rest));
  if (last_.size() <= sum_size)
    return;
  const auto summed = last_.size() - sum_size;
  sum_ = sum_of(sum_, std::string_view(last_).substr(0, summed));
  last_.erase(0, summed);
}

bool frame_table_check::is_whole() const {
  std::string_view last(last_);
  return seen_header_ == header_ && last.size() == sum_size
         && take_number<std::uint32_t>(last) == sum_;
}

} // namespace expbuild
