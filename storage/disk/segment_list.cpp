#include "storage/disk/segment_list.hpp"

#include "storage/little_endian.hpp"

#include <cstdio>
#include <optional>

namespace expbuild {

namespace {

constexpr std::string_view start = "expbuild-idx 1\n\n";
constexpr std::size_t sum_size = 32;
constexpr std::size_t fixed_size = 18; ///< of an item, before the hash
constexpr std::size_t place_size = 8;

absl::Status damaged(const std::string& name) {
  return absl::DataLossError(name + " is damaged; the segment itself is read");
}

/// nullopt for what can not be one: of a build that knows more functions, or written by a mistake.
std::optional<segment_list::item> take_item(std::string_view& from) {
  if (from.size() < fixed_size)
    return std::nullopt;
  segment_list::item x;
  x.header.kind = static_cast<record_kind>(take_number<std::uint8_t>(from));
  const auto function = digest_function_of(take_number<std::uint8_t>(from));
  x.header.payload = take_number<std::uint32_t>(from);
  x.offset = take_number<std::uint32_t>(from);
  const auto size = take_number<std::uint64_t>(from);
  const bool is_removal = x.header.kind == record_kind::removed;
  if (!function || (!is_removal && x.header.kind != record_kind::bytes) || size >> 62 != 0)
    return std::nullopt;
  const auto length = hash_length(*function);
  if (from.size() < length + (is_removal ? place_size : 0))
    return std::nullopt;
  x.header.key = digest(*function, from.substr(0, length), static_cast<std::int64_t>(size));
  from.remove_prefix(length);
  if (!is_removal)
    return x;
  x.removed = *decode_place(from.substr(0, place_size));
  from.remove_prefix(place_size);
  return x;
}

} // namespace

std::string segment_list::name_of(std::uint32_t number) {
  char name[24];
  std::snprintf(name, sizeof name, "%08x.idx", number);
  return name;
}

void segment_list::add(const record_header& header, std::uint32_t offset, blob_place removed) {
  put_number(items_, static_cast<std::uint8_t>(header.kind));
  put_number(items_, static_cast<std::uint8_t>(header.key.function()));
  put_number(items_, header.payload);
  put_number(items_, offset);
  put_number(items_, static_cast<std::uint64_t>(header.key.size_bytes()));
  items_.append(header.key.raw_hash());
  if (header.kind == record_kind::removed)
    items_.append(encode_place(removed));
}

void segment_list::clear() {
  items_ = std::string();
}

absl::Status segment_list::save(const disk_folder& folder, std::uint32_t number, bool sync) const {
  const auto temporary = name_of(number) + ".new";
  auto status = folder.remove(temporary); // of a process that ended here
  if (!status.ok())
    return status;
  auto file = folder.create(temporary, 0600);
  if (!file.ok())
    return file.status();
  status = file->write_at(0, start);
  if (status.ok())
    status = file->write_at(start.size(), digest::of(items_).raw_hash());
  if (status.ok())
    status = file->write_at(static_cast<std::int64_t>(start.size() + sum_size), items_);
  if (status.ok() && sync)
    status = file->sync();
  if (status.ok())
    status = file->close();
  if (status.ok())
    status = folder.move(temporary, folder, name_of(number));
  if (!status.ok())
    folder.remove(temporary).IgnoreError(); // the first error counts
  return status;
}

absl::Status segment_list::load(const disk_folder& folder, std::uint32_t number,
                                const visitor& visit) {
  const auto name = name_of(number);
  const auto bytes = folder.read(name);
  if (!bytes.ok())
    return bytes.status();
  auto rest = std::string_view(*bytes);
  if (rest.size() < start.size() + sum_size || rest.substr(0, start.size()) != start)
    return damaged(name);
  const auto sum = rest.substr(start.size(), sum_size);
  rest.remove_prefix(start.size() + sum_size);
  if (digest::of(rest).raw_hash() != sum)
    return damaged(name);
  while (!rest.empty()) {
    const auto x = take_item(rest);
    if (!x)
      return damaged(name);
    if (auto status = visit(*x); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

} // namespace expbuild
