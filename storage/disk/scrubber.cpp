#include "storage/disk/scrubber.hpp"

#include <algorithm>

namespace expbuild {

namespace {

constexpr std::chrono::hours between_rounds{24};
constexpr std::int64_t least_pause = 10; ///< milliseconds; small blobs are paid for together

} // namespace

void scrubber::run(const blob_index& all) const {
  while (options_.wait(between_rounds)) {
    std::uint64_t blobs = 0;
    bool goes_on = true;
    std::int64_t unpaid = 0; // bytes that were read faster than they may be
    all.for_each([&](const digest& id, blob_place place) {
      if (!goes_on)
        return;
      ++blobs;
      if (auto status = options_.check(id, place); !status.ok())
        options_.trouble(status);
      unpaid += std::max<std::int64_t>(id.size_bytes(), 1);
      auto pause = 1000 * unpaid / options_.bytes_a_second;
      pause = pause < least_pause ? 0 : pause;
      unpaid -= pause * options_.bytes_a_second / 1000;
      goes_on = options_.wait(std::chrono::milliseconds(pause));
    });
    if (goes_on && blobs > 0)
      options_.notice("all " + std::to_string(blobs) + " blobs have been hashed again");
  }
}

} // namespace expbuild
