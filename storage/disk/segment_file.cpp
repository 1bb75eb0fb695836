#include "storage/disk/segment_file.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>

namespace expbuild {

namespace {

constexpr std::string_view start = "expbuild-seg 1\n\n";
constexpr mode_t file_mode = 0600;
constexpr std::size_t scan_size = std::size_t{1} << 20;

/// Reads a file from its start up to `end` in large pieces and hands out as much as is asked for.
class forward_reader {
public:
  forward_reader(const disk_file& file, std::int64_t end) : file_(file), end_(end) {}

  /// At least `size` bytes, if there are so many left; valid until the next call.
  absl::StatusOr<std::string_view> peek(std::size_t size) {
    if (buffer_.size() - begin_ < size) {
      buffer_.erase(0, begin_);
      begin_ = 0;
      const auto had = buffer_.size();
      const auto left = static_cast<std::size_t>(std::max<std::int64_t>(0, end_ - next_));
      buffer_.resize(std::min(std::max(size, scan_size), had + left));
      auto n = file_.read_at(next_, std::span(buffer_).subspan(had));
      if (!n.ok())
        return n.status();
      buffer_.resize(had + *n);
      next_ += static_cast<std::int64_t>(*n);
    }
    return std::string_view(buffer_).substr(begin_);
  }

  void take(std::size_t size) { begin_ += size; }

private:
  const disk_file& file_;
  const std::int64_t end_;
  std::int64_t next_ = 0;
  std::string buffer_;
  std::size_t begin_ = 0;
};

} // namespace

std::string segment_file::name_of(std::uint32_t number) {
  char name[24];
  std::snprintf(name, sizeof name, "%08x.seg", number);
  return name;
}

std::uint32_t segment_file::number_of(const std::string& name) {
  if (name.size() != 12 || name.substr(8) != ".seg")
    return 0;
  const auto number = static_cast<std::uint32_t>(std::strtoul(name.c_str(), nullptr, 16));
  return name_of(number) == name ? number : 0;
}

absl::StatusOr<std::shared_ptr<segment_file>> segment_file::create(const disk_folder& folder,
                                                                   std::uint32_t number) {
  auto file = folder.create(name_of(number), file_mode);
  if (!file.ok())
    return file.status();
  if (auto status = file->write_at(0, start); !status.ok()) {
    folder.remove(name_of(number)).IgnoreError(); // the first error counts
    return status;
  }
  return std::shared_ptr<segment_file>(new segment_file(number, *std::move(file), start.size()));
}

absl::StatusOr<std::shared_ptr<segment_file>> segment_file::open(const disk_folder& folder,
                                                                 std::uint32_t number) {
  auto file = folder.open(name_of(number), O_RDWR);
  if (!file.ok())
    return file.status();
  const auto facts = file->facts();
  if (!facts.ok())
    return facts.status();
  return std::shared_ptr<segment_file>(
      new segment_file(number, *std::move(file), std::int64_t{facts->st_size}));
}

absl::Status segment_file::append(std::string_view records) {
  auto status = file_.write_at(size_, records);
  if (status.ok())
    size_ += static_cast<std::int64_t>(records.size());
  return status;
}

absl::Status segment_file::cut(std::int64_t size) {
  size_ = size;
  return file_.truncate(size);
}

absl::StatusOr<std::string> segment_file::read(std::int64_t offset, const digest& key,
                                               std::int64_t payload) const {
  const auto header_size = static_cast<std::size_t>(record_size(key.function(), 0));
  const auto guess = std::max<std::int64_t>(0, std::min(payload, size_ - offset));
  std::string bytes(header_size + static_cast<std::size_t>(guess), '\0');
  auto n = file_.read_at(offset, bytes);
  if (!n.ok())
    return n.status();
  const auto header = parse_record_header(std::string_view(bytes).substr(0, *n));
  if (!header.ok())
    return header.status();
  if (!(header->key == key) || header->kind != record_kind::bytes)
    return absl::NotFoundError("another record lies at the place of " + key.to_string());
  const auto whole = header_size + header->payload;
  if (offset + static_cast<std::int64_t>(whole) > size_)
    return absl::DataLossError(file_.name() + " ends in the record of " + key.to_string());
  if (const auto had = *n; had < whole) {
    bytes.resize(whole);
    n = file_.read_at(offset + static_cast<std::int64_t>(had), std::span(bytes).subspan(had));
    if (!n.ok())
      return n.status();
    if (*n < whole - had)
      return absl::DataLossError(file_.name() + " ends in the record of " + key.to_string());
  }
  bytes.resize(whole);
  bytes.erase(0, header_size);
  return bytes;
}

absl::StatusOr<std::int64_t> segment_file::scan(const visitor& visit) const {
  forward_reader reader(file_, size_);
  auto bytes = reader.peek(start.size());
  if (!bytes.ok())
    return bytes.status();
  if (bytes->substr(0, start.size()) != start)
    return 0;
  reader.take(start.size());
  for (auto offset = static_cast<std::int64_t>(start.size());;) {
    bytes = reader.peek(max_record_header);
    if (!bytes.ok())
      return bytes.status();
    const auto header = parse_record_header(*bytes);
    if (!header.ok() || offset + header->size() > size_)
      return offset;
    const auto size = static_cast<std::size_t>(header->size());
    bytes = reader.peek(size);
    if (!bytes.ok())
      return bytes.status();
    if (bytes->size() < size)
      return offset;
    const auto payload = bytes->substr(0, size).substr(size - header->payload);
    if (auto status = visit(*header, static_cast<std::uint32_t>(offset), payload); !status.ok())
      return status;
    reader.take(size);
    offset += header->size();
  }
}

} // namespace expbuild
