#include "storage/chunker.hpp"
#include "test/fuzz/fuzz.hpp"

#include <algorithm>
#include <vector>

using namespace expbuild;

namespace {

/// The input's own bytes, over and over: short inputs have many chunks then, and many equal hashes.
std::string repeated(std::string_view bytes) {
  std::string all;
  while (!bytes.empty() && all.size() < 20'000)
    all += bytes;
  return all;
}

std::vector<std::int64_t> cut(chunker& x, std::string_view bytes, std::size_t piece) {
  std::vector<std::int64_t> ends;
  while (!bytes.empty()) {
    const auto n = std::min(piece, bytes.size());
    x.feed(bytes.substr(0, n), ends);
    bytes.remove_prefix(n);
  }
  x.finish(ends);
  return ends;
}

void check_lengths(const std::vector<std::int64_t>& ends, std::size_t size, std::int64_t least,
                   std::int64_t most) {
  require((ends.empty() ? 0 : ends.back()) == static_cast<std::int64_t>(size),
          "the last chunk ends where the bytes end");
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto length = ends[i] - (i == 0 ? 0 : ends[i - 1]);
    require(length > 0 && length <= most, "no chunk is empty or too long");
    require(length >= least || i + 1 == ends.size(), "none but the last is too short");
  }
}

} // namespace

/// The first two bytes choose options and pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2)
    return 0;
  const auto bytes = repeated({reinterpret_cast<const char*>(data) + 2, size - 2});
  const std::size_t piece = 1 + data[0] * 13;
  const auto whole = std::max<std::size_t>(1, bytes.size());

  const fast_cdc_2020_options fast{.average_bytes = 1024, .seed = data[1]};
  const auto fast_ends = cut(**make_fast_cdc_2020(fast), bytes, whole);
  check_lengths(fast_ends, bytes.size(), 256, 4096);
  require(cut(**make_fast_cdc_2020(fast), bytes, piece) == fast_ends,
          "FastCDC cuts do not depend on the pieces");

  const rep_max_cdc_options rep_max{.min_bytes = 64, .horizon_bytes = data[1] * 5};
  const auto rep_max_ends = cut(**make_rep_max_cdc(rep_max), bytes, whole);
  check_lengths(rep_max_ends, bytes.size(), 64, 127);
  require(rep_max_ends.size() < 2
              || rep_max_ends.back() - rep_max_ends[rep_max_ends.size() - 2] >= 64,
          "also the last RepMaxCDC chunk has the minimum");
  require(cut(**make_rep_max_cdc(rep_max), bytes, piece) == rep_max_ends,
          "RepMaxCDC cuts do not depend on the pieces");
  return 0;
}
