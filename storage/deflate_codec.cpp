#include "storage/deflate_codec.hpp"

#include "storage/bounded_decompressor.hpp"

#include <algorithm>
#include <limits>
#define ZLIB_CONST // it does not write its input
#include <zlib.h>

namespace expbuild {

namespace {

constexpr int level = 3;           // about as fast as zlib gets; who wants it small takes zstd
constexpr int raw_window = -15;    // 32 KiB, no frame around it
constexpr int memory_level = 8;    // zlib's default
constexpr uLong flush_marker = 16; // more than the empty block that ends a piece

/// zlib counts in 32 bits.
uInt clamped(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

const Bytef* input(std::string_view x) {
  return reinterpret_cast<const Bytef*>(x.data());
}

class deflate_decompressor final : public bounded_decompressor {
public:
  explicit deflate_decompressor(std::int64_t max_bytes)
      : bounded_decompressor(codec::deflate, max_bytes),
        usable_(inflateInit2(&state_, raw_window) == Z_OK) {}
  ~deflate_decompressor() override { inflateEnd(&state_); }
  deflate_decompressor(const deflate_decompressor&) = delete;
  deflate_decompressor& operator=(const deflate_decompressor&) = delete;

  std::size_t memory_bytes() const noexcept override {
    return buffer_size + (std::size_t{48} << 10); // zlib's own: the window and some tables
  }

private:
  absl::StatusOr<progress> unpack(std::string_view in, std::span<char> out) override {
    if (!usable_)
      return no_memory();
    if (ended_ && !in.empty())
      return damaged("something follows its end");
    if (ended_)
      return progress();
    state_.next_in = input(in);
    state_.avail_in = clamped(in.size());
    state_.next_out = reinterpret_cast<Bytef*>(out.data());
    state_.avail_out = clamped(out.size());
    const auto offered = state_.avail_in;
    const auto code = inflate(&state_, Z_NO_FLUSH);
    ended_ = code == Z_STREAM_END;
    const progress done{offered - state_.avail_in, out.size() - state_.avail_out};
    const bool idle = code == Z_BUF_ERROR && in.empty(); // nothing was left in there
    if (code == Z_OK || ended_ || idle)
      return done;
    return damaged(state_.msg != nullptr ? state_.msg : "zlib error " + std::to_string(code));
  }

  bool can_end_here() const noexcept override { return ended_; }

  z_stream state_{};
  const bool usable_;
  bool ended_ = false;
};

} // namespace

std::unique_ptr<decompressor> make_deflate_decompressor(std::int64_t max_bytes) {
  return std::make_unique<deflate_decompressor>(max_bytes);
}

absl::StatusOr<std::string> deflate_blocks(std::string_view plain, bool last) {
  if (plain.size() > std::numeric_limits<uInt>::max() / 2)
    return absl::ResourceExhaustedError("a piece of " + std::to_string(plain.size())
                                        + " bytes is too large to be compressed at once");
  z_stream state{};
  if (deflateInit2(&state, level, Z_DEFLATED, raw_window, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
    return absl::ResourceExhaustedError("there is no memory to compress a blob; try again");
  std::string blocks(deflateBound(&state, static_cast<uLong>(plain.size())) + flush_marker, '\0');
  state.next_in = input(plain);
  state.avail_in = clamped(plain.size());
  state.next_out = reinterpret_cast<Bytef*>(blocks.data());
  state.avail_out = clamped(blocks.size());
  const auto code = deflate(&state, last ? Z_FINISH : Z_SYNC_FLUSH);
  const bool whole = code == (last ? Z_STREAM_END : Z_OK) && state.avail_in == 0;
  blocks.resize(blocks.size() - state.avail_out);
  deflateEnd(&state);
  if (!whole)
    return absl::InternalError("zlib did not take a piece of " + std::to_string(plain.size())
                               + " bytes whole");
  blocks.shrink_to_fit();
  return blocks;
}

} // namespace expbuild
