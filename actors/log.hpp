#pragma once
#include "actors/log_about.hpp"

#include <absl/status/status.h>
#include <spdlog/spdlog.h>

#include <map>
#include <memory>
#include <string>

namespace expbuild {

class log_sink;

/// The logger of a module ("scheduler"), one of those that log.cpp lists. Lines look like
/// `2025-11-30T12:00:00Z INFO scheduler: message` on stderr. Keep the reference: looking it up
/// takes a lock.
spdlog::logger& log_of(const std::string& module);

/// Levels as EXPBUILD_LOG gives them: "info,scheduler=debug". INVALID_ARGUMENT names what is not a
/// level or not a module, and nothing is changed. Affects loggers made before and after.
absl::Status set_log_levels(const std::string& levels);

/// The same for one module; an empty one: for all, also those that had a level of their own.
absl::Status set_log_level(const std::string& module, const std::string& level);

/// Of every module, by name.
std::map<std::string, std::string> log_levels();

/// Where all loggers write (log_sink.hpp).
log_sink& the_log();

} // namespace expbuild
