#pragma once
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// Packing bytes for the way and unpacking what strangers send. Nothing here waits, but all of it
/// costs CPU time: run it in the I/O pool. The formats are RFC 8878 (zstd) and RFC 1951 (deflate,
/// without zlib's frame).

namespace expbuild {

/// The numbers are REAPI's Compressor.Value.
enum class codec : std::uint8_t { zstd = 1, deflate = 2 };

/// REAPI's name of it ("ZSTD").
std::string to_string(codec x);

/// The codec of that REAPI name, upper or lower case. NOT_FOUND names the known ones.
absl::StatusOr<codec> parse_codec(std::string_view name);

/// Unpacks one stream, however it is cut into pieces. A zstd stream is one frame or more, skippable
/// ones among them; its windows may have 8 MiB. INVALID_ARGUMENT says what is wrong with the
/// stream, RESOURCE_EXHAUSTED that there is no memory; either is for good. One thread at a time.
class decompressor {
public:
  virtual ~decompressor() = default;

  /// The next packed bytes, which must stay where they are until `next` has given out everything.
  virtual void feed(std::string_view packed) = 0;

  /// The next plain bytes (at most 64 KiB), valid until the next call; empty when there are none
  /// left in what was fed.
  virtual absl::StatusOr<std::string_view> next() = 0;

  /// To be called after the last `next`: an error when the stream can not end here.
  virtual absl::Status finish() const = 0;

  /// What it holds by now, at most some 9 MiB.
  virtual std::size_t memory_bytes() const noexcept = 0;
};

/// A stream that unpacks to more than `max_bytes` is an error, before any byte too much is given
/// out.
std::unique_ptr<decompressor> make_decompressor(codec how, std::int64_t max_bytes);

/// Packs the next piece of a stream; `last` ends it. What these give, one after the other, is one
/// stream, but no piece needs anything of those before it: between pieces there is no state that
/// somebody who stalls could hold. Pieces below some 64 KiB are packed worse. RESOURCE_EXHAUSTED
/// when there is no memory.
absl::StatusOr<std::string> compress_piece(codec how, std::string_view plain, bool last);

/// A stream of one piece.
absl::StatusOr<std::string> compress(codec how, std::string_view plain);

/// A whole stream; never holds more than `max_bytes` of it.
absl::StatusOr<std::string> decompress(codec how, std::string_view packed, std::int64_t max_bytes);

} // namespace expbuild
