#define CAF_SUITE storage.chunker_model
#include "storage/gear.hpp"
#include "test/storage/chunker_fixture.hpp"

#include <caf/test/unit_test.hpp>

/// The algorithms once more, slowly, straight from their descriptions.

using namespace expbuild;
using namespace expbuild::test;

namespace {

constexpr std::uint64_t mask_of_4096 = 0x0000d90103530000;
constexpr std::uint64_t mask_of_256 = 0x0000001800035300;

/// The length of the first chunk of `bytes`, at an average of 1024, two bytes at a time.
std::int64_t plain_fast_cdc(std::string_view bytes) {
  const auto size = std::min<std::int64_t>(std::ssize(bytes), 4096);
  std::uint64_t hash = 0;
  for (std::int64_t i = 256; i + 1 < size; i += 2)
    for (const auto at : {i, i + 1}) {
      hash =
          2 * hash + gear_table()[static_cast<unsigned char>(bytes[static_cast<std::size_t>(at)])];
      if ((hash & (i < 1024 ? mask_of_4096 : mask_of_256)) == 0)
        return at;
    }
  return size;
}

std::uint64_t hash_before(std::string_view bytes, std::int64_t at) {
  std::uint64_t hash = 0;
  for (auto i = at - 64; i < at; ++i)
    hash = 2 * hash + gear_table()[static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)])];
  return hash;
}

std::int64_t plain_rep_max_cdc(std::string_view bytes, std::int64_t min, std::int64_t horizon) {
  const auto size = std::min<std::int64_t>(std::ssize(bytes), 2 * min + horizon);
  if (size < 2 * min)
    return size;
  for (auto last = size - min;;) {
    auto best = min;
    for (auto at = min; at <= last; ++at)
      if (hash_before(bytes, at) > hash_before(bytes, best))
        best = at;
    if (best < 2 * min)
      return best;
    last = best - min;
  }
}

offsets repeat(std::string_view bytes, const std::function<std::int64_t(std::string_view)>& first) {
  offsets ends;
  for (std::size_t at = 0; at < bytes.size();) {
    at += static_cast<std::size_t>(first(bytes.substr(at)));
    ends.push_back(static_cast<std::int64_t>(at));
  }
  return ends;
}

} // namespace

CAF_TEST(FastCDC 2020 cuts where its description says) {
  const auto bytes = random_bytes(1).take(300'001);
  CAF_CHECK_EQUAL(cut(fast(1024), bytes), repeat(bytes, plain_fast_cdc));
}

CAF_TEST(FastCDC 2020 heeds no match on a last byte that has no partner) {
  // The byte behind a cut is the one that matched: let the stream end with it, and one later.
  const auto bytes = random_bytes(2).take(100'000);
  for (const auto end : cut(fast(1024), bytes))
    for (const std::int64_t size : {end, end + 1, end + 2}) {
      const auto part = std::string_view(bytes).substr(0, static_cast<std::size_t>(size));
      CAF_REQUIRE_EQUAL(cut(fast(1024), part), repeat(part, plain_fast_cdc));
    }
}

CAF_TEST(RepMaxCDC cuts where its description says whatever the horizon) {
  const auto bytes = random_bytes(3).take(40'000);
  for (const std::int64_t horizon : {0, 1, 100, 200, 201, 555, 1600, 50'000}) {
    const auto plain = [horizon](std::string_view x) { return plain_rep_max_cdc(x, 200, horizon); };
    const auto part = std::string_view(bytes).substr(0, horizon > 1600 ? 4000 : bytes.size());
    CAF_CHECK_EQUAL(cut(rep_max(200, horizon), part), repeat(part, plain));
  }
}

CAF_TEST(RepMaxCDC cuts where its description says also where many hashes are equal) {
  auto bytes = std::string(5000, 'a') + random_bytes(4).take(700) + std::string(3000, '\0');
  for (int i = 0; i < 30; ++i)
    bytes += "the same again and again, ";
  const auto plain = [](std::string_view x) { return plain_rep_max_cdc(x, 100, 800); };
  CAF_CHECK_EQUAL(cut(rep_max(100, 800), bytes), repeat(bytes, plain));
}
