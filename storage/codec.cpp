#include "storage/codec.hpp"

#include "storage/deflate_codec.hpp"
#include "storage/zstd_codec.hpp"

#include <absl/strings/ascii.h>

namespace expbuild {

std::string to_string(codec x) {
  return x == codec::zstd ? "ZSTD" : "DEFLATE";
}

absl::StatusOr<codec> parse_codec(std::string_view name) {
  const auto upper = absl::AsciiStrToUpper(std::string(name));
  for (const auto each : {codec::zstd, codec::deflate})
    if (upper == to_string(each))
      return each;
  return absl::NotFoundError("unknown compressor '" + std::string(name.substr(0, 100))
                             + "'; known are ZSTD and DEFLATE");
}

std::unique_ptr<decompressor> make_decompressor(codec how, std::int64_t max_bytes) {
  return how == codec::zstd ? make_zstd_decompressor(max_bytes)
                            : make_deflate_decompressor(max_bytes);
}

absl::StatusOr<std::string> compress_piece(codec how, std::string_view plain, bool last) {
  return how == codec::zstd ? zstd_frame(plain) : deflate_blocks(plain, last);
}

absl::StatusOr<std::string> compress(codec how, std::string_view plain) {
  return compress_piece(how, plain, true);
}

absl::StatusOr<std::string> decompress(codec how, std::string_view packed, std::int64_t max_bytes) {
  const auto stream = make_decompressor(how, max_bytes);
  stream->feed(packed);
  std::string plain;
  for (;;) {
    const auto piece = stream->next();
    if (!piece.ok())
      return piece.status();
    if (piece->empty())
      break;
    plain.append(*piece);
  }
  if (auto status = stream->finish(); !status.ok())
    return status;
  return plain;
}

} // namespace expbuild
