#include "storage/zstd_codec.hpp"

#include "storage/bounded_decompressor.hpp"
#include "storage/little_endian.hpp"

#include <algorithm>
#include <zstd.h>
#include <zstd_errors.h>

namespace expbuild {

namespace {

constexpr int level = 3;
constexpr int max_window_log = 23; // 8 MiB, what decoders must have by the RFC

/// The longest frame header (RFC 8878, 3.1.1).
constexpr std::size_t max_header_size = 18;

/// What a decoder has beside the window: tables, a block each of input and output.
constexpr std::size_t decoder_size = std::size_t{512} << 10;

struct destroy {
  void operator()(ZSTD_DCtx* x) const { ZSTD_freeDCtx(x); }
  void operator()(ZSTD_CCtx* x) const { ZSTD_freeCCtx(x); }
};

class zstd_decompressor final : public bounded_decompressor {
public:
  explicit zstd_decompressor(std::int64_t max_bytes)
      : bounded_decompressor(codec::zstd, max_bytes), state_(ZSTD_createDCtx()) {
    if (state_)
      ZSTD_DCtx_setParameter(state_.get(), ZSTD_d_windowLogMax, max_window_log);
  }

  /// A window is allocated as a whole, but costs memory only as far as it was filled.
  std::size_t memory_bytes() const noexcept override {
    const auto touched = decoder_size + static_cast<std::size_t>(given());
    return buffer_size + std::min(ZSTD_sizeof_DCtx(state_.get()), touched);
  }

private:
  /// A header goes in byte by byte: a frame that libzstd sees whole it unpacks in another way,
  /// which knows no limit of the window, and by its first four bytes it finds the formats of before
  /// 2016. So a stream means the same however it is cut.
  absl::StatusOr<progress> unpack(std::string_view in, std::span<char> out) override {
    if (!state_)
      return no_memory();
    if (in.empty() && between_frames_)
      return progress();
    ZSTD_inBuffer from{in.data(),
                       header_left_ > 0 ? std::min<std::size_t>(1, in.size()) : in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const auto wanted = ZSTD_decompressStream(state_.get(), &to, &from);
    if (ZSTD_isError(wanted))
      return failure(wanted);
    between_frames_ = wanted == 0;
    header_left_ =
        between_frames_ ? max_header_size : header_left_ - std::min(header_left_, from.pos);
    return progress{from.pos, to.pos};
  }

  bool can_end_here() const noexcept override { return between_frames_; }

  absl::Status failure(std::size_t error) const {
    switch (ZSTD_getErrorCode(error)) {
    case ZSTD_error_memory_allocation:
      return no_memory();
    case ZSTD_error_frameParameter_windowTooLarge:
      return damaged("its window is larger than 8 MiB; compress with a smaller one");
    default:
      return damaged(ZSTD_getErrorName(error));
    }
  }

  const std::unique_ptr<ZSTD_DCtx, destroy> state_;
  std::size_t header_left_ = max_header_size; // of this frame, at most
  bool between_frames_ = false;               // before the first one it is not between
};

/// About 1 MiB a thread; making one costs more than packing a small blob.
ZSTD_CCtx* encoder_of_this_thread() {
  thread_local const std::unique_ptr<ZSTD_CCtx, destroy> mine = [] {
    std::unique_ptr<ZSTD_CCtx, destroy> x(ZSTD_createCCtx());
    if (x)
      ZSTD_CCtx_setParameter(x.get(), ZSTD_c_compressionLevel, level);
    return x;
  }();
  return mine.get();
}

/// Some 100 KiB a thread.
ZSTD_DCtx* decoder_of_this_thread() {
  thread_local const std::unique_ptr<ZSTD_DCtx, destroy> mine(ZSTD_createDCtx());
  return mine.get();
}

absl::Status damaged_frame(const char* how) {
  return absl::DataLossError(std::string("a compressed frame is damaged: ") + how);
}

} // namespace

std::unique_ptr<decompressor> make_zstd_decompressor(std::int64_t max_bytes) {
  return std::make_unique<zstd_decompressor>(max_bytes);
}

absl::StatusOr<std::string> zstd_frame(std::string_view plain, bool checksum) {
  auto* encoder = encoder_of_this_thread();
  std::string frame(ZSTD_compressBound(plain.size()), '\0');
  if (encoder != nullptr) {
    ZSTD_CCtx_setParameter(encoder, ZSTD_c_checksumFlag, checksum ? 1 : 0);
    const auto size =
        ZSTD_compress2(encoder, frame.data(), frame.size(), plain.data(), plain.size());
    frame.resize(ZSTD_isError(size) ? 0 : size);
  }
  if (encoder == nullptr || frame.empty())
    return absl::ResourceExhaustedError("there is no memory to compress a blob; try again");
  frame.shrink_to_fit();
  return frame;
}

std::size_t largest_zstd_frame(std::size_t plain_bytes) {
  return ZSTD_compressBound(plain_bytes) + sizeof(std::uint32_t); // the checksum
}

absl::Status unpack_zstd_frame(std::string_view frame, std::span<char> out) {
  auto start = frame;
  if (frame.size() < sizeof(std::uint32_t)
      || take_number<std::uint32_t>(start) != ZSTD_MAGICNUMBER) // nor one of before 2016
    return damaged_frame("it does not begin as one");
  auto* decoder = decoder_of_this_thread();
  if (decoder == nullptr)
    return absl::UnavailableError("there is no memory to unpack a blob; try again");
  const auto size =
      ZSTD_decompressDCtx(decoder, out.data(), out.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) && ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation)
    return absl::UnavailableError("there is no memory to unpack a blob; try again");
  if (ZSTD_isError(size))
    return damaged_frame(ZSTD_getErrorName(size));
  return size == out.size() ? absl::OkStatus() : damaged_frame("it is of another size");
}

} // namespace expbuild
