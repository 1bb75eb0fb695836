#include "storage/store_clock.hpp"

#include <ctime>

namespace expbuild {

namespace {

std::int64_t seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec;
}

} // namespace

store_clock make_store_clock() {
  const auto offset = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
  return [offset] { return static_cast<std::uint32_t>(offset + seconds_of(CLOCK_BOOTTIME)); };
}

} // namespace expbuild
