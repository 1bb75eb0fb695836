#pragma once
#include "actors/worker/runner/problem.hpp"

#include <cstdint>

namespace expbuild::runner {

/// Nothing that is executed from now on can have a capability again. Needs CAP_SETPCAP.
problem drop_bounding_set();

/// No capability is left in this process.
problem drop_capabilities();

/// Switches for good, without supplementary groups. The order matters; needs root.
problem become(std::uint32_t uid, std::uint32_t gid);

/// What the system counts for one process or one user: no core files, at most `file_bytes` a file
/// (SIGXFSZ), at most `processes` processes of this user (of this user namespace); 0: no limit.
problem limit_resources(std::uint64_t file_bytes, std::uint64_t processes);

} // namespace expbuild::runner
