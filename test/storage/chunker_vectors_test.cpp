#define CAF_SUITE storage.chunker_vectors
#include "storage/digest.hpp"
#include "storage/gear.hpp"
#include "test/storage/chunker_fixture.hpp"

#include <caf/test/unit_test.hpp>

#include <fstream>
#include <optional>
#include <sstream>

/// The cuts that others publish (vectors/), and those that we have published by making them.

using namespace expbuild;
using namespace expbuild::test;

namespace {

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

CAF_TEST(with the recommended options the cuts of these bytes stay the same for ever) {
  const auto bytes = random_bytes(12).take(3 << 20);
  CAF_CHECK_EQUAL(cut(fast(512 << 10), bytes),
                  (offsets{631481, 1214081, 1916716, 2265067, 3074033, 3145728}));
  CAF_CHECK_EQUAL(
      cut(rep_max(256 << 10, 2 << 20), bytes),
      (offsets{368203, 692789, 956053, 1353217, 1750982, 2034382, 2423927, 2721296, 3145728}));
}
