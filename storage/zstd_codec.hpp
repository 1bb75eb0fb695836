#pragma once
#include "storage/codec.hpp"

#include <span>

/// RFC 8878 by libzstd, for codec.cpp and for compressed files of a store.

namespace expbuild {

std::unique_ptr<decompressor> make_zstd_decompressor(std::int64_t max_bytes);

/// One frame that says how many bytes it holds. On the way it needs no checksum: the digest is one.
absl::StatusOr<std::string> zstd_frame(std::string_view plain, bool checksum = false);

/// What a frame of so many plain bytes has at most.
std::size_t largest_zstd_frame(std::size_t plain_bytes);

/// Fills all of `out` from one whole frame, of which nothing is trusted. DATA_LOSS when it does not
/// hold exactly so many bytes, UNAVAILABLE when there is no memory.
absl::Status unpack_zstd_frame(std::string_view frame, std::span<char> out);

} // namespace expbuild
