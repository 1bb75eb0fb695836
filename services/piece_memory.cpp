#include "services/piece_memory.hpp"

#include <algorithm>

namespace expbuild {

piece_memory::piece::piece(std::shared_ptr<piece_memory> of, std::size_t size)
    : of_(std::move(of)), size_(size), bytes_(new char[size]) {
  of_->used_ += static_cast<std::int64_t>(size_);
}

piece_memory::piece::~piece() {
  of_->used_ -= static_cast<std::int64_t>(size_);
}

grpc::Slice piece_memory::piece::send(std::unique_ptr<piece> what, std::size_t n) {
  auto* owned = what.release();
  return {owned->bytes_.get(), n, [](void* x) { delete static_cast<piece*>(x); }, owned};
}

grpc::Slice piece_memory::send(std::string bytes) {
  struct counted {
    counted(std::shared_ptr<piece_memory> all, std::string x)
        : of(std::move(all)), bytes(std::move(x)), size(static_cast<std::int64_t>(bytes.size())) {
      of->used_ += size;
    }
    ~counted() { of->used_ -= size; }
    const std::shared_ptr<piece_memory> of;
    std::string bytes;
    const std::int64_t size;
  };
  auto* owned = new counted(shared_from_this(), std::move(bytes));
  return {owned->bytes.data(), owned->bytes.size(),
          [](void* x) { delete static_cast<counted*>(x); }, owned};
}

std::unique_ptr<piece_memory::piece> piece_memory::make(std::size_t wanted) {
  const auto share = std::max<std::int64_t>(0, bytes_ - used_) / 16;
  const auto allowed = std::clamp(static_cast<std::size_t>(share), smallest, largest);
  return std::make_unique<piece>(shared_from_this(), std::min(wanted, allowed));
}

} // namespace expbuild
