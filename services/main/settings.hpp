#pragma once
#include "config/config.hpp"
#include "services/main/daemon.hpp"

namespace expbuild {

/// The daemon that a configuration describes. The runner is expected beside this program.
daemon_options daemon_options_from(const config& settings);

/// Says so in the log when the server, or its cache by HTTP, can be reached from other machines: it
/// has no TLS and no authentication yet.
void warn_if_exposed(const config& settings);

std::string expbuild_version();

} // namespace expbuild
