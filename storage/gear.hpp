#pragma once
#include <array>
#include <cstdint>

namespace expbuild {

/// The random numbers of the Gear rolling hash, one a byte value: a new byte b makes of the hash h
/// 2 * h + gear_table()[b]. Since older bytes are shifted out, the hash depends on the last
/// `gear_window_bytes` bytes alone. Computed once; any thread.
const std::array<std::uint64_t, 256>& gear_table();

inline constexpr std::int64_t gear_window_bytes = 64;

} // namespace expbuild
