#include "storage/hash_algorithm.hpp"

#ifdef EXPBUILD_HAS_BLAKE3
#include <llvm-c/blake3.h>
#endif

namespace expbuild {

#ifdef EXPBUILD_HAS_BLAKE3

namespace {

class blake3 final : public hash_algorithm {
public:
  blake3() { llvm_blake3_hasher_init(&state_); }

  void update(std::string_view bytes) override {
    llvm_blake3_hasher_update(&state_, bytes.data(), bytes.size());
  }

  std::size_t finish(std::span<unsigned char> out) override {
    llvm_blake3_hasher_finalize(&state_, out.data(), LLVM_BLAKE3_OUT_LEN);
    llvm_blake3_hasher_reset(&state_);
    return LLVM_BLAKE3_OUT_LEN;
  }

private:
  llvm_blake3_hasher state_;
};

} // namespace

std::unique_ptr<hash_algorithm> make_blake3() {
  return std::make_unique<blake3>();
}

#else

std::unique_ptr<hash_algorithm> make_blake3() {
  return nullptr;
}

#endif

} // namespace expbuild
