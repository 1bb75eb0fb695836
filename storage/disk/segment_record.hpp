#pragma once
#include "storage/blob_index.hpp"
#include "storage/digest.hpp"

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace expbuild {

/// One record of a segment. A segment describes itself: it can be read from its start with nothing
/// else at hand.
///
///     magic 4, kind 1, function 1, 0 2, payload length 4, CRC-32 of header and hash 4,
///     size of the digest 8, hash (as long as the function says), payload
///
/// All numbers little-endian. The payload of a blob is checked by its digest.
enum class record_kind : std::uint8_t {
  bytes = 1,  ///< the payload belongs to the key
  removed = 2 ///< what lay at the place in the payload is gone
};

struct segment_record {
  record_kind kind = record_kind::bytes;
  digest key;
  std::string_view payload;
};

/// A record's header, without its payload.
struct record_header {
  record_kind kind = record_kind::bytes;
  digest key;
  std::uint32_t payload = 0; ///< its length

  std::int64_t header_size() const;
  std::int64_t size() const { return header_size() + payload; }
};

/// What a record with that much payload takes.
std::int64_t record_size(digest_function function, std::int64_t payload);

/// The largest header of all functions.
inline constexpr std::int64_t max_record_header = 24 + 64;

void append_record(std::string& to, const segment_record& x);

/// From the first bytes of a record, or of what is left of a segment. DATA_LOSS when that is none.
absl::StatusOr<record_header> parse_record_header(std::string_view bytes);

/// The payload of a `removed` record.
std::string encode_place(blob_place x);
absl::StatusOr<blob_place> decode_place(std::string_view payload);

} // namespace expbuild
