#include "storage/digest.hpp"

#include "storage/hash_algorithm.hpp"
#include "storage/hasher.hpp"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace expbuild {

namespace {

struct function_facts {
  digest_function function;
  const char* name;
  std::size_t length;
};

constexpr std::array<function_facts, 6> functions{{{digest_function::sha256, "SHA256", 32},
                                                   {digest_function::sha1, "SHA1", 20},
                                                   {digest_function::md5, "MD5", 16},
                                                   {digest_function::sha384, "SHA384", 48},
                                                   {digest_function::sha512, "SHA512", 64},
                                                   {digest_function::blake3, "BLAKE3", 32}}};

const function_facts& facts_of(digest_function x) {
  for (const auto& facts : functions)
    if (facts.function == x)
      return facts;
  return functions[0];
}

/// -1 for what is no lower-case hexadecimal digit.
constexpr std::array<signed char, 256> hex_values = [] {
  std::array<signed char, 256> all{};
  for (auto& each : all)
    each = -1;
  for (int i = 0; i < 16; ++i)
    all[static_cast<unsigned char>("0123456789abcdef"[i])] = static_cast<signed char>(i);
  return all;
}();

int hex_value(char c) {
  return hex_values[static_cast<unsigned char>(c)];
}

std::string shown(std::string_view hex) {
  return "'" + std::string(hex.substr(0, 130)) + "'";
}

} // namespace

std::string to_string(digest_function x) {
  return facts_of(x).name;
}

bool is_built_in(digest_function x) {
  static const bool has_blake3 = make_blake3() != nullptr;
  return x != digest_function::blake3 || has_blake3;
}

bool must_be_named(digest_function x) {
  return x == digest_function::blake3;
}

std::optional<digest_function> function_of_length(std::size_t hex_digits) {
  for (const auto& facts : functions)
    if (hex_digits == 2 * facts.length && !must_be_named(facts.function))
      return facts.function;
  return std::nullopt;
}

absl::StatusOr<digest_function> parse_digest_function(std::string_view name) {
  const auto upper = absl::AsciiStrToUpper(std::string(name));
  std::string known;
  for (const auto& facts : functions) {
    if (upper == facts.name)
      return facts.function;
    known.append(known.empty() ? "" : ", ").append(facts.name);
  }
  return absl::NotFoundError("unknown digest function '" + std::string(name) + "' (known: " + known
                             + ")");
}

std::optional<digest_function> digest_function_of(std::uint8_t number) {
  for (const auto& facts : functions)
    if (static_cast<std::uint8_t>(facts.function) == number)
      return facts.function;
  return std::nullopt;
}

std::size_t hash_length(digest_function x) {
  return facts_of(x).length;
}

digest::digest() {
  *this = empty_blob(digest_function::sha256);
}

digest::digest(digest_function function, std::string_view raw_hash, std::int64_t size_bytes)
    : size_(size_bytes), function_(function) {
  std::copy_n(raw_hash.begin(), std::min(raw_hash.size(), hash_.size()), hash_.begin());
}

absl::StatusOr<digest> digest::parse(std::string_view hex, std::int64_t size_bytes,
                                     digest_function function) {
  if (hex.size() != 2 * hash_length(function))
    return absl::InvalidArgumentError("hash " + shown(hex) + " has " + std::to_string(hex.size())
                                      + " characters; " + expbuild::to_string(function) + " has "
                                      + std::to_string(2 * hash_length(function)));
  if (size_bytes < 0)
    return absl::InvalidArgumentError("digest " + shown(hex) + " has a negative size");
  if (size_bytes > max_size_bytes)
    return absl::InvalidArgumentError("digest " + shown(hex) + " has the size "
                                      + std::to_string(size_bytes) + "; no blob has more than "
                                      + std::to_string(max_size_bytes) + " bytes here");
  std::array<char, 64> raw{};
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = hex_value(hex[i]);
    const auto low = hex_value(hex[i + 1]);
    if ((high | low) < 0)
      return absl::InvalidArgumentError("hash " + shown(hex) + " is not lower-case hexadecimal");
    raw[i / 2] = static_cast<char>(high << 4 | low);
  }
  return digest(function, std::string_view(raw.data(), hex.size() / 2), size_bytes);
}

absl::StatusOr<digest> digest::from_proto(const reapi::Digest& x, digest_function function) {
  return parse(x.hash(), x.size_bytes(), function);
}

digest digest::of(std::string_view bytes, digest_function function) {
  hasher h(function);
  h.update(bytes);
  return h.finish();
}

bool digest::is_empty_blob() const noexcept {
  return size_ == 0 && *this == empty_blob(function_);
}

const digest& digest::empty_blob(digest_function function) {
  static const std::map<digest_function, digest> known = [] {
    std::map<digest_function, digest> all;
    for (const auto& facts : functions)
      all.emplace(facts.function, of({}, facts.function));
    return all;
  }();
  return known.at(function);
}

std::string digest::hash() const {
  std::string text(2 * raw_hash().size(), '\0');
  write_hash(text.data());
  return text;
}

char* digest::write_hash(char* to) const noexcept {
  static constexpr char hex[] = "0123456789abcdef";
  for (const char c : raw_hash()) {
    *to++ = hex[static_cast<unsigned char>(c) >> 4];
    *to++ = hex[static_cast<unsigned char>(c) & 0xf];
  }
  return to;
}

std::string_view digest::raw_hash() const noexcept {
  return {hash_.data(), hash_length(function_)};
}

reapi::Digest digest::to_proto() const {
  reapi::Digest x;
  x.set_hash(hash());
  x.set_size_bytes(size_);
  return x;
}

std::string digest::to_string() const {
  return hash() + "/" + std::to_string(size_);
}

std::string digest::to_resource() const {
  if (must_be_named(function_))
    return "blobs/" + absl::AsciiStrToLower(expbuild::to_string(function_)) + "/" + to_string();
  return "blobs/" + to_string();
}

bool operator<(const digest& a, const digest& b) noexcept {
  return std::tie(a.function_, a.hash_, a.size_) < std::tie(b.function_, b.hash_, b.size_);
}

} // namespace expbuild

std::size_t std::hash<expbuild::digest>::operator()(const expbuild::digest& x) const noexcept {
  // The hash is already as random as anything that could be computed from it.
  std::size_t value = 0;
  std::memcpy(&value, x.raw_hash().data(), sizeof value);
  return value ^ static_cast<std::size_t>(x.size_bytes());
}
