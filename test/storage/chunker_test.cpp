#define CAF_SUITE storage.chunker
#include "test/storage/chunker_fixture.hpp"

#include <caf/test/unit_test.hpp>

#include <limits>
#include <numeric>
#include <set>

/// What makes a chunker useful, whatever its algorithm.

using namespace expbuild;
using namespace expbuild::test;

namespace {

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

} // namespace

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
