#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace expbuild {

/// A target of the HTTP cache protocol, taken apart: [/INSTANCE]/ac/HASH or [/INSTANCE]/cas/HASH.
/// Whether instance and hash are ours is not decided here.
struct http_cache_path {
  enum class kind { result, blob };

  kind what = kind::blob;
  std::string instance; ///< may hold slashes; those at its ends are left out
  std::string hash;     ///< as it stands, perhaps empty

  /// nullopt when the segment before the last is neither "ac" nor "cas". A query is ignored.
  static std::optional<http_cache_path> parse(std::string_view target);
};

} // namespace expbuild
