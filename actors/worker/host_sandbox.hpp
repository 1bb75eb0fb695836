#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace expbuild {

/// How far a host worker keeps its commands apart from the host and from each other.
struct host_sandbox {
  /// A folder on the filesystem of the attempts, to try in whether overlays work; empty: none do.
  std::filesystem::path scratch;
};

} // namespace expbuild
