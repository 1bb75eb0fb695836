#pragma once
#include "storage/codec.hpp"

/// RFC 8878 by libzstd, for codec.cpp.

namespace expbuild {

std::unique_ptr<decompressor> make_zstd_decompressor(std::int64_t max_bytes);

/// One frame that says how many bytes it holds. No checksum: the digest is one.
absl::StatusOr<std::string> zstd_frame(std::string_view plain);

} // namespace expbuild
