#pragma once
#include "storage/reapi.hpp"

#include <string>
#include <utility>
#include <vector>

namespace expbuild {

using environment = std::vector<std::pair<std::string, std::string>>;

/// The Command's variables, then what passes from `base` where the Command does not set it.
environment make_environment(const reapi::Command& command, const environment& base);

/// With a PATH if there is none yet: some clients send no environment at all.
environment with_path(environment x);

/// The variables of this process that `names` lists and that are set.
environment whitelisted(const std::vector<std::string>& names);

} // namespace expbuild
