#include "storage/hasher.hpp"

#include "storage/hash_algorithm.hpp"

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
  case digest_function::blake3: // not OpenSSL's
    break;
  }
  return sha256;
}

class evp_hash final : public hash_algorithm {
public:
  explicit evp_hash(digest_function x) : algorithm_(algorithm_of(x)), context_(EVP_MD_CTX_new()) {
    restart();
  }
  ~evp_hash() override { EVP_MD_CTX_free(context_); }
  evp_hash(const evp_hash&) = delete;
  evp_hash& operator=(const evp_hash&) = delete;

  void update(std::string_view bytes) override {
    EVP_DigestUpdate(context_, bytes.data(), bytes.size());
  }

  std::size_t finish(std::span<unsigned char> out) override {
    unsigned length = 0;
    EVP_DigestFinal_ex(context_, out.data(), &length);
    restart();
    return length;
  }

private:
  void restart() { EVP_DigestInit_ex2(context_, algorithm_, nullptr); }

  const EVP_MD* const algorithm_;
  EVP_MD_CTX* const context_;
};

std::unique_ptr<hash_algorithm> make_algorithm(digest_function x) {
  if (x == digest_function::blake3)
    return make_blake3();
  return std::make_unique<evp_hash>(x);
}

} // namespace

hasher::hasher(digest_function function)
    : function_(function), algorithm_(make_algorithm(function)) {}
hasher::~hasher() = default;
hasher::hasher(hasher&&) noexcept = default;
hasher& hasher::operator=(hasher&&) noexcept = default;

void hasher::update(std::string_view bytes) {
  if (algorithm_)
    algorithm_->update(bytes);
  size_ += static_cast<std::int64_t>(bytes.size());
}

digest hasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  const auto length = algorithm_ ? algorithm_->finish(raw) : hash_length(function_);
  return {function_, {reinterpret_cast<const char*>(raw.data()), length}, std::exchange(size_, 0)};
}

} // namespace expbuild
