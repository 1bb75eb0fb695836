#pragma once
#include "storage/reapi.hpp"

#include <absl/status/statusor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace expbuild {

/// Hash functions that we know; the numbers are REAPI's DigestFunction.Value.
enum class digest_function : std::uint8_t {
  sha256 = 1,
  sha1 = 2,
  md5 = 3,
  sha384 = 5,
  sha512 = 6,
  blake3 = 9
};

/// Whether this program can compute it: BLAKE3 is an option of the build (EXPBUILD_BLAKE3).
bool is_built_in(digest_function x);

/// Whether it must be named wherever the length of a hash could tell it: an unnamed hash of 64 hex
/// digits is SHA256, not BLAKE3.
bool must_be_named(digest_function x);

/// The function of hashes with so many hex digits when none is named, or nothing.
std::optional<digest_function> function_of_length(std::size_t hex_digits);

/// REAPI's name of the function ("SHA256").
std::string to_string(digest_function x);

/// The function of that REAPI name, upper or lower case. NOT_FOUND names the known ones.
absl::StatusOr<digest_function> parse_digest_function(std::string_view name);

/// The function with that number, if we know it.
std::optional<digest_function> digest_function_of(std::uint8_t number);

/// Length of the function's hash in bytes (SHA256: 32).
std::size_t hash_length(digest_function x);

/// Names a blob by its content: hash AND size. A value that can only be valid: the hash has the
/// length of its function and the size is not negative. Safe to use as part of a path: the text
/// form consists of lower-case hex digits only. Default: SHA-256 of the empty blob.
class digest {
public:
  digest();

  /// 16 TiB: as much as the index of a store has bits for, and far from where sums overflow.
  static constexpr std::int64_t max_size_bytes = (std::int64_t{1} << 44) - 1;

  /// INVALID_ARGUMENT (naming the offending text) when `hex` is not lower-case hex of the
  /// function's length, or `size_bytes` is negative or above `max_size_bytes`.
  static absl::StatusOr<digest> parse(std::string_view hex, std::int64_t size_bytes,
                                      digest_function function);

  /// As `parse`, from the wire.
  static absl::StatusOr<digest> from_proto(const reapi::Digest& x, digest_function function);

  /// The digest of these bytes.
  static digest of(std::string_view bytes, digest_function function = digest_function::sha256);

  static const digest& empty_blob(digest_function function);

  /// Made by the hasher, which knows the raw hash.
  digest(digest_function function, std::string_view raw_hash, std::int64_t size_bytes);

  digest_function function() const noexcept { return function_; }
  std::int64_t size_bytes() const noexcept { return size_; }
  /// Lower-case hex.
  std::string hash() const;
  /// The same to where there is room for it; answers its end.
  char* write_hash(char* to) const noexcept;
  std::string_view raw_hash() const noexcept;
  /// Size 0 and the hash that belongs to it.
  bool is_empty_blob() const noexcept;
  reapi::Digest to_proto() const;
  /// "HASH/SIZE", for people and logs.
  std::string to_string() const;
  /// "blobs/[fn/]HASH/SIZE", as in resource names and MISSING violations: `fn` only where the
  /// protocol asks for it ("blake3").
  std::string to_resource() const;

  friend bool operator==(const digest& a, const digest& b) noexcept {
    return a.size_ == b.size_ && a.function_ == b.function_ && a.hash_ == b.hash_;
  }
  friend bool operator<(const digest& a, const digest& b) noexcept;

private:
  std::array<char, 64> hash_{}; // the first hash_length(function_) bytes; the rest is zero
  std::int64_t size_ = 0;
  digest_function function_ = digest_function::sha256;
};

} // namespace expbuild

template <>
struct std::hash<expbuild::digest> {
  std::size_t operator()(const expbuild::digest& x) const noexcept;
};
