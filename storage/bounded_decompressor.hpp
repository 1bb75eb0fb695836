#pragma once
#include "storage/codec.hpp"

#include <span>

namespace expbuild {

/// What both formats have in common: the input that is left, a bounded piece of output, the limit,
/// and that an error stays. A format adds one step.
class bounded_decompressor : public decompressor {
public:
  bounded_decompressor(codec how, std::int64_t max_bytes);

  void feed(std::string_view packed) final { rest_ = packed; }
  absl::StatusOr<std::string_view> next() final;
  absl::Status finish() const final;

protected:
  static constexpr std::size_t buffer_size = std::size_t{64} << 10;

  struct progress {
    std::size_t taken = 0;
    std::size_t given = 0;
  };

  std::int64_t given() const noexcept { return given_; }
  /// INVALID_ARGUMENT that says where.
  absl::Status damaged(const std::string& what) const;
  static absl::Status no_memory();

private:
  /// Unpacks from `in` into `out`, which has room for a byte at least. Takes something, gives
  /// something, or fails, unless `in` is empty.
  virtual absl::StatusOr<progress> unpack(std::string_view in, std::span<char> out) = 0;
  virtual bool can_end_here() const noexcept = 0;

  const codec how_;
  const std::int64_t max_;
  const std::unique_ptr<char[]> buffer_;
  std::string_view rest_;
  bool may_hold_more_ = false; // the format itself, without further input
  std::int64_t taken_ = 0;
  std::int64_t given_ = 0;
  absl::Status trouble_;
};

} // namespace expbuild
