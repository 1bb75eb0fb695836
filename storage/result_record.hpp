#pragma once
#include "storage/reapi.hpp"

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace expbuild {

/// An ActionResult as it lies on disk:
///
///     "EXPB"  u32 version (1)  u64 payload length  SHA-256 of the payload (32 bytes)  payload
///
/// integers little-endian. Never a bare protobuf: a torn one could parse as a success.
std::string encode_result(const reapi::ActionResult& result);

/// DATA_LOSS when the record is torn, damaged or of another version.
absl::StatusOr<reapi::ActionResult> decode_result(std::string_view record);

} // namespace expbuild
