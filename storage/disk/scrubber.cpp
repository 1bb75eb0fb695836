#include "storage/disk/scrubber.hpp"

#include <algorithm>

namespace expbuild {

namespace {

constexpr std::chrono::hours between_rounds{24};

} // namespace

void scrubber::run(const blob_index& all) const {
  while (options_.wait(between_rounds)) {
    std::uint64_t blobs = 0;
    bool goes_on = true;
    all.for_each([&](const digest& id, blob_place place) {
      if (!goes_on)
        return;
      ++blobs;
      if (auto status = options_.check(id, place); !status.ok())
        options_.trouble(status);
      const auto size = std::max<std::int64_t>(id.size_bytes(), 1);
      goes_on = options_.wait(std::chrono::milliseconds(1000 * size / options_.bytes_a_second));
    });
    if (goes_on && blobs > 0)
      options_.notice("all " + std::to_string(blobs) + " blobs have been hashed again");
  }
}

} // namespace expbuild
