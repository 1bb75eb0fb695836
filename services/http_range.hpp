#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace expbuild {

/// What of a body a Range header asks for (RFC 9110, 14.1.2), in bytes: from `begin` up to `end`.
struct http_range {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  /// Empty (begin == end) when nothing of it is there: answer 416. nullopt when the header is none,
  /// malformed, in another unit or of several ranges: answer with everything.
  static std::optional<http_range> parse(std::string_view header, std::int64_t size);
};

} // namespace expbuild
