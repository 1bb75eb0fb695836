#include "services/http_range.hpp"

#include <algorithm>
#include <charconv>

namespace expbuild {

namespace {

constexpr std::string_view unit = "bytes=";

/// Decimal digits alone.
std::optional<std::int64_t> parse_position(std::string_view text) {
  std::int64_t x = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, x);
  if (text.empty() || text.front() == '-' || parsed.ec != std::errc{} || parsed.ptr != end)
    return std::nullopt;
  return x;
}

} // namespace

std::optional<http_range> http_range::parse(std::string_view header, std::int64_t size) {
  if (header.substr(0, unit.size()) != unit)
    return std::nullopt;
  header.remove_prefix(unit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  const auto first = parse_position(header.substr(0, dash));
  const auto last = parse_position(header.substr(dash + 1));
  const bool open = dash + 1 == header.size();
  if (dash == 0) // the last so many
    return last ? std::optional(http_range{size - std::min(*last, size), size}) : std::nullopt;
  if (!first || (!last && !open) || (last && *last < *first))
    return std::nullopt;
  const auto begin = std::min(*first, size);
  return http_range{begin, last && *last < size ? *last + 1 : size};
}

} // namespace expbuild
