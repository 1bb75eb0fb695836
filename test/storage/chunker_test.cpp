#define CAF_SUITE storage.chunker
#include "storage/chunker.hpp"
#include "storage/digest.hpp"
#include "storage/gear.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <functional>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>

using namespace expbuild;

namespace {

using offsets = std::vector<std::int64_t>;
using maker = std::function<std::unique_ptr<chunker>()>;

maker fast(std::int64_t average, std::uint32_t seed = 0) {
  return [=] { return *make_fast_cdc_2020({.average_bytes = average, .seed = seed}); };
}

maker rep_max(std::int64_t min, std::int64_t horizon) {
  return [=] { return *make_rep_max_cdc({.min_bytes = min, .horizon_bytes = horizon}); };
}

/// The same "random" bytes on every machine.
class random_bytes {
public:
  explicit random_bytes(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() { // splitmix64
    auto x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }
  std::string take(std::size_t size) {
    std::string bytes(size, '\0');
    for (auto& each : bytes)
      each = static_cast<char>(next());
    return bytes;
  }

private:
  std::uint64_t state_;
};

/// Feeds the bytes in pieces of the lengths that `next_length` gives.
offsets cut(const maker& make, std::string_view bytes,
            const std::function<std::size_t()>& next_length) {
  offsets ends;
  const auto x = make();
  while (!bytes.empty()) {
    const auto n = std::min(next_length(), bytes.size());
    x->feed(bytes.substr(0, n), ends);
    bytes.remove_prefix(n);
  }
  x->finish(ends);
  return ends;
}

offsets cut(const maker& make, std::string_view bytes) {
  return cut(make, bytes, [&] { return bytes.size(); });
}

offsets lengths_of(const offsets& ends) {
  offsets lengths(ends.size());
  std::adjacent_difference(ends.begin(), ends.end(), lengths.begin());
  return lengths;
}

std::set<std::string> chunks_of(const maker& make, const std::string& bytes) {
  std::set<std::string> chunks;
  std::int64_t begin = 0;
  for (const auto end : cut(make, bytes)) {
    chunks.insert(
        bytes.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    begin = end;
  }
  return chunks;
}

// ---- the algorithms once more, slowly, straight from their descriptions ----

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

// ---- published vectors ----

std::optional<std::string> read_file(const std::string& name) {
  std::ifstream file(std::string(VECTORS "/") + name, std::ios::binary);
  if (!file)
    return std::nullopt;
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

struct vector_row {
  std::int64_t offset = 0;
  std::int64_t length = 0;
  std::string sha256; ///< empty where the file has none
};

/// The rows below the comment `heading`.
std::vector<vector_row> rows_of(const std::string& name, const std::string& heading) {
  std::istringstream lines(read_file(name).value());
  std::vector<vector_row> rows;
  std::string line;
  while (std::getline(lines, line) && line != "# " + heading) {
  }
  while (std::getline(lines, line) && !line.empty()) {
    std::istringstream words(line);
    words >> rows.emplace_back().offset >> rows.back().length >> rows.back().sha256;
  }
  CAF_REQUIRE(!rows.empty());
  return rows;
}

/// The image may be left out of a checkout: its place is vectors/SekienAkashita.jpg.
void check_vectors(const std::string& name, const std::string& heading, const maker& make) {
  const auto rows = rows_of(name, heading);
  offsets wanted;
  for (const auto& row : rows) {
    CAF_REQUIRE_EQUAL(row.offset, wanted.empty() ? 0 : wanted.back());
    wanted.push_back(row.offset + row.length);
  }
  CAF_CHECK_EQUAL(wanted.back(), 109466);
  const auto image = read_file("SekienAkashita.jpg");
  if (!image) {
    CAF_MESSAGE("skipped: there is no " VECTORS "/SekienAkashita.jpg");
    return;
  }
  CAF_REQUIRE_EQUAL(digest::of(*image).hash(),
                    "d9e749d9367fc908876749d6502eb212fee88c9a94892fb07da5ef3ba8bc39ed");
  CAF_CHECK_EQUAL(cut(make, *image), wanted);
  for (const auto& row : rows)
    if (!row.sha256.empty())
      CAF_CHECK_EQUAL(
          digest::of(std::string_view(*image).substr(static_cast<std::size_t>(row.offset),
                                                     static_cast<std::size_t>(row.length)))
              .hash(),
          row.sha256);
}

} // namespace

// ---- what others publish ---------------------------------------------------------------------

CAF_TEST(the gear table is the one that every implementation has) {
  CAF_CHECK_EQUAL(gear_table()[0], 0x3b5d3c7d207e37dcu);
  CAF_CHECK_EQUAL(gear_table()[255], 0xaabd2b2a451504e1u);
}

CAF_TEST(FastCDC 2020 cuts the image where its test vectors say) {
  check_vectors("fast_cdc_2020.txt", "Seed: 0", fast(16384));
  check_vectors("fast_cdc_2020.txt", "Seed: 666", fast(16384, 666));
}

CAF_TEST(RepMaxCDC cuts the image where its test vectors say) {
  check_vectors("rep_max_cdc.txt", "Minimum 4096, horizon 32768", rep_max(4096, 32768));
  check_vectors("rep_max_cdc.txt", "Minimum 8192, horizon 0", rep_max(8192, 0));
}

// ---- what their descriptions say ---------------------------------------------------------------

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

CAF_TEST(with the recommended options the cuts of these bytes stay the same for ever) {
  const auto bytes = random_bytes(12).take(3 << 20);
  CAF_CHECK_EQUAL(cut(fast(512 << 10), bytes),
                  (offsets{631481, 1214081, 1916716, 2265067, 3074033, 3145728}));
  CAF_CHECK_EQUAL(
      cut(rep_max(256 << 10, 2 << 20), bytes),
      (offsets{368203, 692789, 956053, 1353217, 1750982, 2034382, 2423927, 2721296, 3145728}));
}

// ---- what makes a chunker useful ---------------------------------------------------------------

CAF_TEST(the cuts are the same however the bytes are fed) {
  const auto bytes = random_bytes(5).take(200'000) + std::string(20'000, 'x');
  for (const auto& make : {fast(1024), fast(4096, 7), rep_max(1000, 8000), rep_max(64, 0)}) {
    const auto whole = cut(make, bytes);
    CAF_CHECK_EQUAL(cut(make, bytes, [] { return 1u; }), whole);
    CAF_CHECK_EQUAL(cut(make, bytes, [] { return 4096u; }), whole);
    random_bytes random(6);
    CAF_CHECK_EQUAL(cut(make, bytes, [&] { return 1 + random.next() % 9000; }), whole);
  }
}

CAF_TEST(a cut is told as soon as no later byte can change it) {
  const auto bytes = random_bytes(7).take(1 << 20);
  offsets ends;
  const auto x = fast(4096)();
  x->feed(bytes, ends);
  CAF_CHECK(std::ssize(bytes) - ends.back() <= 4 * 4096);
  ends.clear();
  const auto y = rep_max(4096, 32768)();
  y->feed(bytes, ends);
  CAF_CHECK(std::ssize(bytes) - ends.back() < 2 * 4096 + 32768);
}

CAF_TEST(FastCDC 2020 chunks have a quarter of the average to four times it) {
  auto bytes = random_bytes(8).take(3'000'000) + std::string(100'000, '\0');
  auto lengths = lengths_of(cut(fast(4096), bytes));
  lengths.pop_back(); // the last may be shorter
  const auto [least, most] = std::minmax_element(lengths.begin(), lengths.end());
  CAF_CHECK(*least >= 1024);
  CAF_CHECK_EQUAL(*most, 4 * 4096); // the zeros
  const auto average = static_cast<std::int64_t>(bytes.size() / lengths.size());
  CAF_CHECK(average > 3500 && average < 5500);
}

CAF_TEST(RepMaxCDC chunks have the minimum to less than twice it and so has the last) {
  for (const std::size_t size : {200'000u, 200'999u, 201'500u}) {
    const auto lengths = lengths_of(cut(rep_max(1000, 8000), random_bytes(9).take(size)));
    const auto [least, most] = std::minmax_element(lengths.begin(), lengths.end());
    CAF_CHECK(*least >= 1000);
    CAF_CHECK(*most < 2000);
    // Rényi's parking constant: the minimum is about three quarters of the average.
    CAF_CHECK(static_cast<double>(size) / static_cast<double>(lengths.size()) > 1250);
    CAF_CHECK(static_cast<double>(size) / static_cast<double>(lengths.size()) < 1420);
  }
}

CAF_TEST(a byte more changes few chunks) {
  const auto bytes = random_bytes(10).take(2'000'000);
  for (const auto& make : {fast(4096), rep_max(4096, 32768)}) {
    auto before = chunks_of(make, bytes);
    auto longer = bytes;
    longer.insert(1'000'000, 1, 'x');
    std::size_t fresh = 0;
    for (const auto& chunk : chunks_of(make, longer))
      fresh += before.count(chunk) == 0 ? 1 : 0;
    CAF_CHECK(before.size() > 300);
    CAF_CHECK(fresh >= 1 && fresh <= 12);
  }
}

CAF_TEST(what is shorter than a chunk is one chunk and nothing is none) {
  for (const auto& make : {fast(1024), rep_max(256, 2048)}) {
    CAF_CHECK(cut(make, "").empty());
    CAF_CHECK_EQUAL(cut(make, "x"), offsets{1});
    CAF_CHECK_EQUAL(cut(make, std::string(256, 'x')), offsets{256});
  }
  CAF_CHECK_EQUAL(cut(rep_max(256, 2048), random_bytes(11).take(511)), offsets{511});
}

CAF_TEST(options out of range are refused in words) {
  const auto refused = [](const absl::Status& x) {
    return absl::IsInvalidArgument(x) && !x.message().empty();
  };
  for (const std::int64_t average : {0, -1, 512, 1000, 1025, 2 << 20})
    CAF_CHECK(refused(make_fast_cdc_2020({.average_bytes = average}).status()));
  CAF_CHECK(make_fast_cdc_2020({.average_bytes = 1 << 20}).ok());
  CAF_CHECK(refused(make_rep_max_cdc({.min_bytes = 63, .horizon_bytes = 0}).status()));
  CAF_CHECK(refused(make_rep_max_cdc({.min_bytes = 64, .horizon_bytes = -1}).status()));
  CAF_CHECK(
      refused(make_rep_max_cdc({.min_bytes = std::numeric_limits<std::int64_t>::max()}).status()));
}
