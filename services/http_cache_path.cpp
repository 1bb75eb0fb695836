#include "services/http_cache_path.hpp"

#include <utility>

namespace expbuild {

namespace {

/// Splits at the last slash.
std::pair<std::string_view, std::string_view> split_last(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos)
    return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::string_view without_slashes(std::string_view x) {
  while (!x.empty() && x.front() == '/')
    x.remove_prefix(1);
  while (!x.empty() && x.back() == '/')
    x.remove_suffix(1);
  return x;
}

} // namespace

std::optional<http_cache_path> http_cache_path::parse(std::string_view target) {
  const auto [before, hash] = split_last(target.substr(0, target.find('?')));
  const auto [instance, name] = split_last(before);
  if (name != "ac" && name != "cas")
    return std::nullopt;
  return http_cache_path{.what = name == "ac" ? kind::result : kind::blob,
                         .instance = std::string(without_slashes(instance)),
                         .hash = std::string(hash)};
}

} // namespace expbuild
