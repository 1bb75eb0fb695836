#define CAF_SUITE storage.upkeep
#include "storage/disk/scrubber.hpp"

#include <caf/test/unit_test.hpp>

/// What a store does beside serving.

using namespace expbuild;
using namespace std::chrono_literals;

CAF_TEST(small blobs are hashed again as slowly as large ones) {
  blob_index index({.max_bytes = 1 << 30, .usual_promise = 1000, .grace = 0});
  for (int i = 0; i < 10'000; ++i)
    index.add(digest(digest_function::sha256, digest::of(std::to_string(i)).raw_hash(), 500), {},
              0);
  int rounds = 0;
  std::chrono::milliseconds rested{0};
  const auto wait = [&](std::chrono::milliseconds time) {
    if (time >= 1h)
      return ++rounds == 1;
    rested += time;
    CAF_CHECK(time == 0ms || time >= 5ms);
    return true;
  };
  scrubber({.bytes_a_second = 5 << 20,
            .check = [](const digest&, blob_place) { return absl::OkStatus(); },
            .wait = wait,
            .trouble = {},
            .notice = [](const std::string&) {}})
      .run(index);
  CAF_CHECK(rested > 900ms && rested <= 954ms); // five million bytes
}
