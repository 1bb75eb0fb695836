#include "storage/gear.hpp"

#include "storage/digest.hpp"

namespace expbuild {

namespace {

/// The first eight bytes of the MD5 of 64 times this byte. (REAPI says "MD5(byte(i))"; its test
/// vectors and every implementation have 64 of them.)
std::uint64_t gear_of(unsigned char byte) {
  const auto hashed = digest::of(std::string(64, static_cast<char>(byte)), digest_function::md5);
  std::uint64_t value = 0;
  for (const unsigned char c : hashed.raw_hash().substr(0, 8))
    value = value << 8 | c;
  return value;
}

} // namespace

const std::array<std::uint64_t, 256>& gear_table() {
  static const auto table = [] {
    std::array<std::uint64_t, 256> all{};
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = gear_of(static_cast<unsigned char>(i));
    return all;
  }();
  return table;
}

} // namespace expbuild
