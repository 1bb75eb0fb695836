#include "storage/codec.hpp"
#include "test/fuzz/fuzz.hpp"

using namespace expbuild;

namespace {

/// Unpacks in pieces of `step` bytes.
absl::StatusOr<std::string> unpack(codec how, std::string_view packed, std::size_t step,
                                   std::size_t limit) {
  const auto stream = make_decompressor(how, static_cast<std::int64_t>(limit));
  std::string plain;
  while (!packed.empty()) {
    stream->feed(packed.substr(0, step));
    packed.remove_prefix(std::min(step, packed.size()));
    for (;;) {
      const auto piece = stream->next();
      if (!piece.ok())
        return piece.status();
      if (piece->empty())
        break;
      plain.append(*piece);
      require(plain.size() <= limit, "no more is given out than the limit");
    }
  }
  require(stream->memory_bytes() < (10 << 20), "a window is limited");
  const auto status = stream->finish();
  return status.ok() ? absl::StatusOr<std::string>(plain) : status;
}

} // namespace

/// The first bytes choose the codec, the limit and the size of pieces; the rest is a stream, and
/// bytes to be packed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4)
    return 0;
  const auto how = data[0] % 2 == 0 ? codec::zstd : codec::deflate;
  const auto limit = std::size_t{data[1]} << (data[2] % 16);
  const std::size_t step = 1 + data[3];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 4, size - 4);

  const auto whole = decompress(how, bytes, static_cast<std::int64_t>(limit));
  const auto cut = unpack(how, bytes, step, limit);
  require(whole.ok() == cut.ok(), "a stream is good or bad however it is cut");
  if (whole.ok())
    require(*whole == *cut && whole->size() <= limit, "it unpacks the same however it is cut");
  else
    require(absl::IsInvalidArgument(whole.status()), "a bad stream is the client's fault");

  const auto middle = bytes.size() / 2;
  auto packed = *compress_piece(how, bytes.substr(0, middle), false);
  packed += *compress_piece(how, bytes.substr(middle), true);
  const auto again = unpack(how, packed, step, bytes.size());
  require(again.ok() && *again == bytes, "what was packed in pieces unpacks the same");
  return 0;
}
