#pragma once
#include <atomic>
#include <cstdint>

namespace expbuild {

/// Names whoever watches an operation to the dispatcher; unique in the process.
inline std::uint64_t new_listener() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

} // namespace expbuild
