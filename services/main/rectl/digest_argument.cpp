#include "services/main/rectl/digest_argument.hpp"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include <vector>

namespace expbuild::rectl {

namespace {

absl::Status wrong(const std::string& text, const std::string& why) {
  return absl::InvalidArgumentError("'" + text.substr(0, 200) + "' is no digest: " + why
                                    + " (expected HASH/SIZE or FUNCTION/HASH/SIZE)");
}

} // namespace

absl::StatusOr<digest> parse_digest_argument(const std::string& text) {
  std::vector<std::string> parts = absl::StrSplit(text, '/');
  if (parts.front() == "blobs")
    parts.erase(parts.begin());
  if (parts.size() != 2 && parts.size() != 3)
    return wrong(text, "it has " + std::to_string(parts.size()) + " parts");
  const auto& hash = parts[parts.size() - 2];
  std::int64_t size = 0;
  if (!absl::SimpleAtoi(parts.back(), &size))
    return wrong(text, "'" + parts.back() + "' is no size in bytes");
  if (parts.size() == 3) {
    const auto function = parse_digest_function(parts.front());
    if (!function.ok())
      return wrong(text, std::string(function.status().message()));
    if (!is_built_in(*function))
      return wrong(text, "this program was built without " + to_string(*function));
    return digest::parse(hash, size, *function);
  }
  if (const auto function = function_of_length(hash.size()))
    return digest::parse(hash, size, *function);
  return wrong(text,
               "no digest function makes hashes of " + std::to_string(hash.size()) + " characters");
}

} // namespace expbuild::rectl
