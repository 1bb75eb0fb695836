#pragma once
#include "storage/digest.hpp"

#include <memory>

namespace expbuild {

class hash_algorithm;

/// Computes a digest piece by piece (OpenSSL's EVP, LLVM's BLAKE3). One thread at a time.
class hasher {
public:
  /// Of a function that is not built in, every hash is zero: no blob has it.
  explicit hasher(digest_function function);
  ~hasher();
  hasher(hasher&&) noexcept;
  hasher& operator=(hasher&&) noexcept;

  void update(std::string_view bytes);
  /// The digest of everything so far; the hasher is fresh again afterwards.
  digest finish();

private:
  digest_function function_;
  std::unique_ptr<hash_algorithm> algorithm_; ///< null: not built in
  std::int64_t size_ = 0;
};

} // namespace expbuild
