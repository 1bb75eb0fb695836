#include "storage/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace expbuild {

namespace {

struct form {
  std::size_t length;
  std::uint32_t bits;
  std::uint32_t smallest;
};

/// How a sequence that begins with `lead` goes on; length 0 for no lead at all.
form form_of(unsigned char lead) noexcept {
  if (lead < 0x80)
    return {1, lead, 0};
  if ((lead & 0xe0) == 0xc0)
    return {2, lead & 0x1fu, 0x80};
  if ((lead & 0xf0) == 0xe0)
    return {3, lead & 0x0fu, 0x800};
  if ((lead & 0xf8) == 0xf0)
    return {4, lead & 0x07u, 0x10000};
  return {0, 0, 0};
}

} // namespace

bool is_utf8(std::string_view bytes) noexcept {
  for (std::size_t i = 0; i < bytes.size();) {
    auto [length, code, smallest] = form_of(static_cast<unsigned char>(bytes[i]));
    if (length == 0 || i + length > bytes.size())
      return false;
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(bytes[i + k]);
      if ((next & 0xc0) != 0x80)
        return false;
      code = code << 6 | (next & 0x3fu);
    }
    if (code < smallest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      return false;
    i += length;
  }
  return true;
}

} // namespace expbuild
