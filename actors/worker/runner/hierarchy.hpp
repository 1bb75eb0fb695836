#pragma once
#include <string>

namespace expbuild::runner {

/// The folder of the control group that a process ("self", or its number) is in: of the version 1
/// hierarchy of a controller ("memory", "pids"), or of version 2 for "". Empty when there is none
/// in sight.
std::string control_group_of(const std::string& process, const std::string& controller);

} // namespace expbuild::runner
