#include "storage/disk/promise_log.hpp"

#include "storage/little_endian.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>

namespace expbuild {

namespace {

constexpr const char* log_name = "log";
constexpr const char* new_name = "log.new";
constexpr std::size_t note_size = 12;
constexpr std::size_t notes_at_once = 16384;
constexpr std::uint32_t uses_bits = 3; ///< the lowest bits of a time are the number of uses
constexpr std::int64_t least_growth = std::int64_t{16} << 20;

std::string encode(std::span<const blob_index::promise_note> notes) {
  std::string bytes;
  bytes.reserve(notes.size() * note_size);
  for (const auto& x : notes) {
    put_number(bytes, x.prefix);
    put_number(bytes, ((x.until + uses_bits) & ~uses_bits) | std::min(x.uses, uses_bits));
  }
  return bytes;
}

std::vector<blob_index::promise_note> decode(std::string_view bytes) {
  std::vector<blob_index::promise_note> notes;
  while (bytes.size() >= note_size) {
    const auto prefix = take_number<std::uint64_t>(bytes);
    const auto until = take_number<std::uint32_t>(bytes);
    notes.push_back({prefix, until & uses_bits, until & ~uses_bits});
  }
  return notes;
}

} // namespace

absl::Status promise_log::load(blob_index& into, bool all_seen) {
  auto old = folder_.open(log_name, O_RDWR);
  std::int64_t offset = 0;
  if (old.ok()) {
    std::string buffer(notes_at_once * note_size, '\0');
    for (;;) {
      const auto n = old->read_at(offset, buffer);
      if (!n.ok())
        return n.status();
      into.restore(decode(std::string_view(buffer).substr(0, *n)));
      offset += static_cast<std::int64_t>(*n / note_size * note_size);
      if (*n < buffer.size())
        break;
    }
  }
  if (!old.ok() && !absl::IsNotFound(old.status()))
    return old.status();
  if (all_seen || !old.ok())
    return start_anew(into);
  file_ = *std::move(old);
  size_ = size_anew_ = offset;
  return absl::OkStatus();
}

absl::Status promise_log::start_anew(const blob_index& from) {
  if (auto status = folder_.remove(new_name); !status.ok())
    return status;
  auto file = folder_.create(new_name, 0600);
  if (!file.ok())
    return file.status();
  const auto all = from.all_promises();
  std::int64_t size = 0;
  for (std::span<const blob_index::promise_note> rest(all); !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), notes_at_once));
    rest = rest.subspan(some.size());
    const auto bytes = encode(some);
    if (auto status = file->write_at(size, bytes); !status.ok())
      return status;
    size += static_cast<std::int64_t>(bytes.size());
  }
  if (auto status = folder_.move(new_name, folder_, log_name); !status.ok())
    return status;
  file_ = *std::move(file);
  size_ = size_anew_ = size;
  return absl::OkStatus();
}

absl::Status promise_log::save(blob_index& from) {
  const auto notes = from.take_promises();
  const bool must_start_anew = !file_ || size_ > 2 * size_anew_ + least_growth;
  if (notes.empty() && !must_start_anew)
    return absl::OkStatus();
  const auto status = must_start_anew ? start_anew(from) : append(encode(notes));
  if (!status.ok()) // nobody has these notes any more: the next call writes down all there are
    file_ = disk_file();
  return status;
}

absl::Status promise_log::append(std::string_view bytes) {
  auto status = file_.write_at(size_, bytes);
  if (status.ok())
    size_ += static_cast<std::int64_t>(bytes.size());
  return status;
}

} // namespace expbuild
