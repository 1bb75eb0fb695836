#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace expbuild {

/// What hasher stands on: one implementation a library. One thread at a time.
class hash_algorithm {
public:
  virtual ~hash_algorithm() = default;
  virtual void update(std::string_view bytes) = 0;
  /// Writes the raw hash of everything so far to the begin of `out`, which has room for any, and
  /// starts afresh. Returns its length.
  virtual std::size_t finish(std::span<unsigned char> out) = 0;
};

/// LLVM's BLAKE3; null when the build did not find it (EXPBUILD_BLAKE3).
std::unique_ptr<hash_algorithm> make_blake3();

} // namespace expbuild
