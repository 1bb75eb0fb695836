#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace expbuild {

/// Appends an unsigned number, the least byte first.
template <class Integer>
void put_number(std::string& to, Integer x) {
  for (std::size_t i = 0; i < sizeof x; ++i)
    to += static_cast<char>(x >> (8 * i) & 0xff);
}

/// Takes a number off the front; there must be as many bytes.
template <class Integer>
Integer take_number(std::string_view& from) {
  Integer x = 0;
  for (std::size_t i = 0; i < sizeof x; ++i)
    x |= static_cast<Integer>(static_cast<Integer>(static_cast<unsigned char>(from[i])) << (8 * i));
  from.remove_prefix(sizeof x);
  return x;
}

} // namespace expbuild
