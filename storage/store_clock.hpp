#pragma once
#include <cstdint>
#include <functional>

namespace expbuild {

/// Now, in seconds since 1970. A promise is kept by this clock: it can be written down and means the
/// same to the next process, and yet no change of the system's time makes it run out, or stay for
/// ever, while this process lives. Tests bring their own.
using store_clock = std::function<std::uint32_t()>;

/// The system's time when it was made, and from then on what has really gone by (CLOCK_BOOTTIME:
/// sleep counts).
store_clock make_store_clock();

} // namespace expbuild
