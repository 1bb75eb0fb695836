#define CAF_SUITE storage.codec
#include "storage/codec.hpp"

#include <absl/strings/escaping.h>
#include <caf/test/unit_test.hpp>

#include <random>
#include <vector>

using namespace expbuild;

namespace {

constexpr std::int64_t large = std::int64_t{1} << 40;
constexpr auto codecs = {codec::zstd, codec::deflate};

using chance = std::mt19937;

std::string hex(const char* digits) {
  return absl::HexStringToBytes(digits);
}

/// Bytes of `size`: noise, text that repeats, or both by turns.
std::string sample(chance& random, std::size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    const auto length = std::min<std::size_t>(size - bytes.size(), 1 + random() % 5000);
    if (random() % 2 == 0)
      bytes.append(length, static_cast<char>('a' + random() % 26));
    else
      for (std::size_t i = 0; i < length; ++i)
        bytes += static_cast<char>(random());
  }
  return bytes;
}

/// Splits at random places, some of them side by side.
std::vector<std::string_view> cut(chance& random, std::string_view bytes) {
  std::vector<std::string_view> pieces;
  while (!bytes.empty()) {
    const auto most = random() % 3 == 0 ? 3 : 20'000;
    const auto length = std::min<std::size_t>(bytes.size(), random() % most);
    pieces.push_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return pieces;
}

std::string packed(codec how, const std::vector<std::string_view>& pieces) {
  std::string stream;
  for (const auto& each : pieces)
    if (!each.empty())
      stream += *compress_piece(how, each, each.end() == pieces.back().end());
  return stream;
}

absl::StatusOr<std::string> unpacked(codec how, const std::vector<std::string_view>& pieces,
                                     std::int64_t limit = large) {
  const auto stream = make_decompressor(how, limit);
  std::string plain;
  for (const auto& each : pieces) {
    stream->feed(each);
    for (;;) {
      const auto next = stream->next();
      if (!next.ok())
        return next.status();
      if (next->empty())
        break;
      plain.append(*next);
      if (static_cast<std::int64_t>(plain.size()) > limit)
        return absl::InternalError("more than the limit was given out");
    }
  }
  const auto status = stream->finish();
  return status.ok() ? absl::StatusOr<std::string>(plain) : status;
}

std::vector<std::string_view> bytewise(std::string_view x) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < x.size(); ++i)
    pieces.push_back(x.substr(i, 1));
  return pieces;
}

/// Cut or whole, a stream means the same.
bool is_refused(codec how, const std::string& stream, std::int64_t limit = large) {
  const auto whole = decompress(how, stream, limit);
  return absl::IsInvalidArgument(whole.status())
         && absl::IsInvalidArgument(unpacked(how, bytewise(stream), limit).status());
}

bool has(const absl::Status& status, const std::string& part) {
  return std::string(status.message()).find(part) != std::string::npos;
}

/// A skippable frame (RFC 8878, 3.1.2).
const std::string skippable = hex("502a4d1803000000") + "abc";

/// A frame whose one block says: this byte so many times (RFC 8878, 3.1.1.2).
std::string repeated_byte(char x, std::uint32_t count) {
  const auto header = count << 3 | 3; // the last block, run-length
  auto frame = hex("28b52ffd0058");   // nothing but a window of 2 MiB
  for (int i = 0; i < 3; ++i)
    frame += static_cast<char>(header >> (8 * i) & 0xff);
  return frame + x;
}

} // namespace

CAF_TEST(what was packed unpacks however it was cut on either side) {
  chance random(1);
  for (const auto how : codecs)
    for (int i = 0; i < 60; ++i) {
      const auto plain = sample(random, random() % (i % 10 == 0 ? 400'000 : 3000));
      const auto stream = plain.empty() ? *compress(how, "") : packed(how, cut(random, plain));
      const auto again =
          unpacked(how, cut(random, stream), static_cast<std::int64_t>(plain.size()));
      CAF_REQUIRE(again.ok());
      CAF_CHECK(*again == plain);
      CAF_CHECK(*decompress(how, stream, large) == plain);
    }
}

CAF_TEST(nothing is a stream of its own and no bytes are none) {
  for (const auto how : codecs) {
    const auto stream = *compress(how, "");
    CAF_CHECK(!stream.empty());
    CAF_CHECK(*decompress(how, stream, 0) == "");
    CAF_CHECK(is_refused(how, ""));
    CAF_CHECK(has(decompress(how, "", large).status(), to_string(how)));
    CAF_CHECK(has(decompress(how, "", large).status(), "empty"));
  }
}

CAF_TEST(a stream that was cut off is an error wherever it was) {
  chance random(2);
  for (const auto how : codecs) {
    const auto stream = *compress(how, sample(random, 300));
    for (std::size_t n = 0; n < stream.size(); ++n)
      CAF_CHECK(is_refused(how, stream.substr(0, n)));
  }
}

CAF_TEST(bytes that changed on the way never do harm) {
  chance random(3);
  for (const auto how : codecs) {
    const auto plain = sample(random, 500);
    const auto stream = *compress(how, plain);
    for (std::size_t i = 0; i < stream.size() * 8; ++i) {
      auto other = stream;
      other[i / 8] = static_cast<char>(other[i / 8] ^ (1 << i % 8));
      const auto whole = decompress(how, other, 1000);
      const auto pieces = unpacked(how, cut(random, other), 1000);
      CAF_CHECK(whole.ok() == pieces.ok() && (!whole.ok() || *whole == *pieces));
    }
  }
}

CAF_TEST(a bomb is found when it passes the limit and by one byte too) {
  for (const auto how : codecs) {
    const std::string plain(3'000'000, 'b');
    const auto stream = *compress(how, plain);
    CAF_CHECK(stream.size() < 30'000);
    CAF_CHECK(decompress(how, stream, 3'000'000).ok());
    CAF_CHECK(is_refused(how, stream, 2'999'999));
    CAF_CHECK(has(decompress(how, stream, 5).status(), "more than the expected 5 bytes"));
    CAF_CHECK(is_refused(how, stream, 0));
  }
}

CAF_TEST(an endless bomb costs a piece of memory and no more) {
  constexpr std::int64_t limit = 1 << 20;
  const auto bomb = make_decompressor(codec::zstd, limit);
  const auto frame = repeated_byte('x', 128 << 10);
  std::int64_t given = 0;
  absl::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) {
    bomb->feed(frame);
    for (;;) {
      const auto piece = bomb->next();
      status = piece.status();
      if (!piece.ok() || piece->empty())
        break;
      given += static_cast<std::int64_t>(piece->size());
    }
  }
  CAF_CHECK(absl::IsInvalidArgument(status));
  CAF_CHECK_EQUAL(given, limit);
  CAF_CHECK(bomb->memory_bytes() < (3 << 20));
}

CAF_TEST(an error stays) {
  for (const auto how : codecs) {
    const auto stream = make_decompressor(how, large);
    stream->feed("this is not packed at all");
    CAF_CHECK(!stream->next().ok());
    const auto good = *compress(how, "good");
    stream->feed(good);
    CAF_CHECK(absl::IsInvalidArgument(stream->next().status()));
    CAF_CHECK(absl::IsInvalidArgument(stream->finish()));
  }
}

CAF_TEST(many frames are one stream and skippable ones are skipped) {
  const auto a = *compress(codec::zstd, "a");
  const auto b = *compress(codec::zstd, std::string(300'000, 'b'));
  const auto nothing = *compress(codec::zstd, "");
  const auto stream = skippable + a + nothing + skippable + b + skippable;
  const auto plain = "a" + std::string(300'000, 'b');
  CAF_CHECK(*decompress(codec::zstd, stream, large) == plain);
  CAF_CHECK(*unpacked(codec::zstd, bytewise(stream)) == plain);
  CAF_CHECK(is_refused(codec::zstd, stream + "x"));
  CAF_CHECK(is_refused(codec::zstd, stream + skippable.substr(0, 9)));
  CAF_CHECK(is_refused(codec::zstd, stream, 300'000));
}

CAF_TEST(deflate is raw and ends where it ends) {
  const auto hello = hex("cb48cdc9c90700"); // as every zlib writes it
  CAF_CHECK(*decompress(codec::deflate, hello, 5) == "hello");
  CAF_CHECK(is_refused(codec::deflate, hello + "x"));
  CAF_CHECK(is_refused(codec::deflate, hello + hello));
  CAF_CHECK(has(decompress(codec::deflate, hello + "x", 5).status(), "follows its end"));
  CAF_CHECK(is_refused(codec::deflate, hex("789ccb48cdc9c90700062c0215"))); // in zlib's frame
}

CAF_TEST(windows are limited also where the whole frame is there at once) {
  const auto frame_with_window = [](char log) { // 0: 1 KiB, and twice that for each step of 8
    auto frame = repeated_byte('w', 10);
    frame[5] = static_cast<char>((log - 10) << 3);
    return frame;
  };
  CAF_CHECK(*decompress(codec::zstd, frame_with_window(23), large) == "wwwwwwwwww");
  for (const char log : {24, 27, 31, 41}) {
    CAF_CHECK(is_refused(codec::zstd, frame_with_window(log)));
    CAF_CHECK(has(decompress(codec::zstd, frame_with_window(log), large).status(), "8 MiB"));
  }
  // With a content size: what libzstd would unpack without looking at the window.
  const auto sized = [](const char* window) {
    return hex("28b52ffd80") + hex(window) + hex("0a000000") + hex("530000") + "w";
  };
  CAF_CHECK(*decompress(codec::zstd, sized("68"), large) == "wwwwwwwwww");
  CAF_CHECK(is_refused(codec::zstd, sized("88")));
}

CAF_TEST(formats from before zstd was one are unknown) {
  CAF_CHECK(is_refused(codec::zstd, hex("27b52ffd04000100006161")));
  CAF_CHECK(has(decompress(codec::zstd, hex("27b52ffd04000100006161"), large).status(),
                "Unknown frame descriptor"));
}

CAF_TEST(a decompressor holds little until it has unpacked much) {
  const auto small = make_decompressor(codec::zstd, large);
  const auto frame = repeated_byte('s', 10);
  small->feed(frame);
  CAF_CHECK(small->next().ok());
  CAF_CHECK(small->memory_bytes() < (1 << 20)); // its window is 2 MiB, all but empty
}

CAF_TEST(codecs have the names of the protocol) {
  CAF_CHECK(*parse_codec("ZSTD") == codec::zstd);
  CAF_CHECK(*parse_codec("deflate") == codec::deflate);
  CAF_CHECK_EQUAL(to_string(codec::deflate), "DEFLATE");
  CAF_CHECK(absl::IsNotFound(parse_codec("BROTLI").status()));
}
