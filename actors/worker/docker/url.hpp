#pragma once
#include <string>

namespace expbuild {

/// For a path segment or a query value: everything but letters, digits and "-._~" as %XX.
inline std::string escape_url(const std::string& text) {
  constexpr auto digits = "0123456789ABCDEF";
  const std::string plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string escaped;
  for (const char c : text)
    if (plain.find(c) != std::string::npos) {
      escaped += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      escaped.append(1, '%').append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
    }
  return escaped;
}

} // namespace expbuild
