#pragma once
#include "storage/digest.hpp"

#include <memory>

namespace expbuild {

/// Computes a digest piece by piece (OpenSSL EVP). One thread at a time.
class hasher {
public:
  explicit hasher(digest_function function);
  ~hasher();
  hasher(hasher&&) noexcept;
  hasher& operator=(hasher&&) noexcept;

  void update(std::string_view bytes);
  /// The digest of everything so far; the hasher is fresh again afterwards.
  digest finish();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace expbuild
