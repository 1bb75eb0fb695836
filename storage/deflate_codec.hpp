#pragma once
#include "storage/codec.hpp"

/// RFC 1951 by zlib, for codec.cpp.

namespace expbuild {

std::unique_ptr<decompressor> make_deflate_decompressor(std::int64_t max_bytes);

/// Blocks that end at a whole byte; `last` marks the last of them as the stream's end.
absl::StatusOr<std::string> deflate_blocks(std::string_view plain, bool last);

} // namespace expbuild
