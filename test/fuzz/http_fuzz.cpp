#include "actors/worker/docker/url.hpp"
#include "services/http_cache_path.hpp"
#include "services/http_query.hpp"
#include "services/http_range.hpp"
#include "test/fuzz/fuzz.hpp"

#include <limits>

using namespace expbuild;

namespace {

void check_query(std::string_view target) {
  const http_query query(target);
  std::string path;
  for (const auto& segment : query.segments()) {
    require(!segment.empty(), "a segment is not empty");
    path += "/" + escape_url(segment);
  }
  require(query.segments().size() <= 64, "segments are limited");
  require(http_query(path).segments() == query.segments(), "what was escaped decodes the same");
  require(query.segments().empty() == query.from(0).empty(), "all segments are a path");
  require(query.from(query.segments().size()).empty(), "behind the last is nothing");
  const auto value = query.get("a");
  require(http_query("/x?a=" + escape_url(value)).get("a") == value, "a value decodes the same");
}

void check_cache_path(std::string_view target) {
  const auto path = http_cache_path::parse(target);
  if (!path)
    return;
  require(path->hash.find('/') == std::string::npos, "a hash is one segment");
  require(path->instance.empty() || (path->instance.front() != '/' && path->instance.back() != '/'),
          "an instance has no slash at its ends");
  const std::string kind = path->what == http_cache_path::kind::result ? "ac" : "cas";
  const auto again = http_cache_path::parse("/" + path->instance + "/" + kind + "/" + path->hash);
  require(again && again->what == path->what && again->instance == path->instance
              && again->hash == path->hash,
          "what was parsed and formatted parses the same");
}

void check_range(std::string_view header, std::int64_t size) {
  const auto range = http_range::parse(header, size);
  require(!range || (0 <= range->begin && range->begin <= range->end && range->end <= size),
          "a range is within the body");
}

} // namespace

/// The first byte is the size of the body, then lines: the target, and the Range header.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto target = text.substr(0, text.find('\n'));
  check_query(target);
  check_cache_path(target);
  const auto range = text.substr(std::min(text.size(), target.size() + 1));
  for (const auto bytes :
       {std::int64_t{0}, std::int64_t{data[0]}, std::numeric_limits<std::int64_t>::max()})
    check_range(range, bytes);
  return 0;
}
