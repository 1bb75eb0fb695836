#include "storage/disk/segment_record.hpp"

#include "storage/little_endian.hpp"

#include <zlib.h>

namespace expbuild {

namespace {

constexpr std::uint32_t magic = 0x52535845; // "EXSR"
constexpr std::size_t fixed_size = 24;
constexpr std::size_t checksum_at = 12;

std::uint32_t checksum(std::string_view header, std::string_view hash) {
  auto sum = ::crc32(0, reinterpret_cast<const Bytef*>(header.data()), checksum_at);
  sum = ::crc32(sum, reinterpret_cast<const Bytef*>(header.data() + checksum_at + 4),
                static_cast<uInt>(fixed_size - checksum_at - 4));
  return static_cast<std::uint32_t>(
      ::crc32(sum, reinterpret_cast<const Bytef*>(hash.data()), static_cast<uInt>(hash.size())));
}

absl::Status damaged(const char* how) {
  return absl::DataLossError(std::string("a record of a segment is damaged: ") + how);
}

} // namespace

std::int64_t record_header::header_size() const {
  return record_size(key.function(), 0);
}

std::int64_t record_size(digest_function function, std::int64_t payload) {
  return static_cast<std::int64_t>(fixed_size + hash_length(function)) + payload;
}

void append_record(std::string& to, const segment_record& x) {
  const auto start = to.size();
  put_number(to, magic);
  put_number(to, static_cast<std::uint8_t>(x.kind));
  put_number(to, static_cast<std::uint8_t>(x.key.function()));
  put_number(to, std::uint16_t{0});
  put_number(to, static_cast<std::uint32_t>(x.payload.size()));
  put_number(to, std::uint32_t{0}); // the checksum's place
  put_number(to, static_cast<std::uint64_t>(x.key.size_bytes()));
  const auto sum = checksum(std::string_view(to).substr(start, fixed_size), x.key.raw_hash());
  for (std::size_t i = 0; i < sizeof sum; ++i)
    to[start + checksum_at + i] = static_cast<char>(sum >> (8 * i) & 0xff);
  to.append(x.key.raw_hash()).append(x.payload);
}

absl::StatusOr<record_header> parse_record_header(std::string_view bytes) {
  if (bytes.size() < fixed_size)
    return damaged("it ends in its header");
  const auto fixed = bytes.substr(0, fixed_size);
  bytes.remove_prefix(fixed_size);
  auto rest = fixed;
  if (take_number<std::uint32_t>(rest) != magic)
    return damaged("it does not begin as one");
  const auto kind = take_number<std::uint8_t>(rest);
  const auto function = digest_function_of(take_number<std::uint8_t>(rest));
  rest.remove_prefix(2);
  const auto payload = take_number<std::uint32_t>(rest);
  const auto sum = take_number<std::uint32_t>(rest);
  const auto size = take_number<std::uint64_t>(rest);
  if (!function || (kind != 1 && kind != 2) || size >> 62 != 0)
    return damaged("it is of an unknown kind");
  const auto length = hash_length(*function);
  if (bytes.size() < length)
    return damaged("it ends in its hash");
  const auto hash = bytes.substr(0, length);
  if (checksum(fixed, hash) != sum)
    return damaged("its checksum is wrong");
  return record_header{static_cast<record_kind>(kind),
                       digest(*function, hash, static_cast<std::int64_t>(size)), payload};
}

std::string encode_place(blob_place x) {
  std::string payload;
  put_number(payload, x.segment);
  put_number(payload, x.offset);
  return payload;
}

absl::StatusOr<blob_place> decode_place(std::string_view payload) {
  if (payload.size() != 8)
    return damaged("a removal without a place");
  blob_place x;
  x.segment = take_number<std::uint32_t>(payload);
  x.offset = take_number<std::uint32_t>(payload);
  return x;
}

} // namespace expbuild
