#pragma once
#include <cstdint>
#include <functional>

namespace expbuild {

/// Seconds since 1970, of a store's clock.
using store_seconds = std::uint32_t;

/// Now. A promise is kept by this clock: it can be written down and means the
/// same to the next process, and yet no change of the system's time makes it run out, or stay for
/// ever, while this process lives. Tests bring their own.
using store_clock = std::function<store_seconds()>;

/// The system's time when it was made, and from then on what has really gone by (CLOCK_BOOTTIME:
/// sleep counts).
store_clock make_store_clock();

} // namespace expbuild
