#include "storage/hasher.hpp"

#include <openssl/evp.h>

namespace expbuild {

namespace {

/// Fetched once: OpenSSL 3's implicit fetch costs more than hashing a small blob.
const EVP_MD* algorithm_of(digest_function x) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  static const EVP_MD* const sha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  static const EVP_MD* const sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  switch (x) {
  case digest_function::sha1:
    return sha1;
  case digest_function::md5:
    return md5;
  case digest_function::sha384:
    return sha384;
  case digest_function::sha512:
    return sha512;
  case digest_function::sha256:
    break;
  }
  return sha256;
}

} // namespace

struct hasher::impl {
  explicit impl(digest_function x) : function(x), context(EVP_MD_CTX_new()) { restart(); }
  ~impl() { EVP_MD_CTX_free(context); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  void restart() {
    EVP_DigestInit_ex2(context, algorithm_of(function), nullptr);
    size = 0;
  }

  digest_function function;
  EVP_MD_CTX* context;
  std::int64_t size = 0;
};

hasher::hasher(digest_function function) : impl_(std::make_unique<impl>(function)) {}
hasher::~hasher() = default;
hasher::hasher(hasher&&) noexcept = default;
hasher& hasher::operator=(hasher&&) noexcept = default;

void hasher::update(std::string_view bytes) {
  EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size());
  impl_->size += static_cast<std::int64_t>(bytes.size());
}

digest hasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned length = 0;
  EVP_DigestFinal_ex(impl_->context, raw.data(), &length);
  digest result(impl_->function, {reinterpret_cast<const char*>(raw.data()), length}, impl_->size);
  impl_->restart();
  return result;
}

} // namespace expbuild
