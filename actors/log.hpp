#pragma once
#include <absl/status/status.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace expbuild {

/// The logger of a module ("scheduler"). Lines look like
/// `2025-11-30T12:00:00Z INFO scheduler: message` on stderr. Keep the reference: looking it up
/// takes a lock.
spdlog::logger& log_of(const std::string& module);

/// Levels as EXPBUILD_LOG gives them: "info,scheduler=debug". INVALID_ARGUMENT names what is not a
/// level. Affects loggers made before and after.
absl::Status set_log_levels(const std::string& levels);

} // namespace expbuild
