#pragma once
#include <cstdint>

namespace expbuild {

/// When a write is answered, and so what a power cut may take (docs/durability.md). None of them
/// lets a crash of the process lose anything, or anybody read what was not verified.
enum class durability : std::uint8_t {
  strict,  ///< when file and name have reached the disk
  grouped, ///< at once; the disk follows within some 200 ms
  none     ///< at once; the disk follows when the system likes
};

} // namespace expbuild
