#pragma once
#include "storage/stored_result.hpp"

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace expbuild {

/// A result as it lies on disk:
///
///     "EXPB"  u32 version  u64 payload length  SHA-256 of the payload (32 bytes)  payload
///
/// integers little-endian. The payload of version 2 is a StoredResult, that of version 1 was the
/// ActionResult alone. Never a bare protobuf: a torn one could parse as a success.
std::string encode_result(const reapi::ActionResult& result, const result_origin& origin,
                          std::uint64_t serial);

/// DATA_LOSS when the record is torn, damaged or of another version. One of version 1 counts as
/// stored when its worker completed it (unknown when it does not say), and has serial 0.
absl::StatusOr<stored_result> decode_result(std::string_view record);

} // namespace expbuild
