#include "actors/log.hpp"
#include "actors/log_sink.hpp"

#include <absl/status/statusor.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <mutex>
#include <set>
#include <vector>

namespace expbuild {

namespace {

using level_type = spdlog::level::level_enum;

/// So that levels can be set, and a wrong name be told, before a module says its first word.
/// test/e2e/logs_test.py holds it against the sources.
constexpr const char* modules[] = {"action_cache", "cas",        "dispatcher", "docker",
                                   "grpc",         "http",       "operation",  "pool",
                                   "scheduler",    "sentinel",   "server",     "staging",
                                   "storage",      "supervisor", "workspace"};

struct log_state {
  std::mutex guard;
  const std::shared_ptr<log_sink> sink = std::make_shared<log_sink>();
  level_type level = level_type::info;
  std::map<std::string, level_type> by_module;
  std::map<std::string, std::shared_ptr<spdlog::logger>> loggers;
  std::set<std::string> known{std::begin(modules), std::end(modules)};

  level_type level_of(const std::string& module) const {
    const auto found = by_module.find(module);
    return found == by_module.end() ? level : found->second;
  }

  absl::Status check_module(const std::string& module) const {
    if (known.contains(module))
      return absl::OkStatus();
    return absl::InvalidArgumentError("'" + module.substr(0, 100)
                                      + "' is no module of the log; there are "
                                      + absl::StrJoin(known, ", "));
  }

  void apply() {
    for (auto& [module, logger] : loggers)
      logger->set_level(level_of(module));
  }
};

log_state& the_state() {
  static auto& state = *new log_state; // never destroyed: other threads may log at the end
  return state;
}

absl::StatusOr<level_type> parse_level(const std::string& text) {
  const auto wanted = absl::AsciiStrToLower(text);
  for (const auto level : {level_type::trace, level_type::debug, level_type::info, level_type::warn,
                           level_type::err, level_type::off})
    if (wanted == level_name(level))
      return level;
  return absl::InvalidArgumentError("log level '" + text.substr(0, 100)
                                    + "' is none of trace, debug, info, warn, error, off");
}

} // namespace

spdlog::logger& log_of(const std::string& module) {
  auto& state = the_state();
  const std::lock_guard lock(state.guard);
  state.known.insert(module);
  auto& logger = state.loggers[module];
  if (!logger) {
    logger = std::make_shared<spdlog::logger>(module, state.sink);
    logger->set_level(state.level_of(module));
  }
  return *logger;
}

absl::Status set_log_levels(const std::string& levels) {
  auto& state = the_state();
  const std::lock_guard lock(state.guard);
  auto level = state.level;
  auto by_module = state.by_module;
  const std::vector<std::string> parts = absl::StrSplit(levels, ',', absl::SkipEmpty());
  for (const auto& part : parts) {
    const auto equals = part.find('=');
    const auto found = parse_level(equals == std::string::npos ? part : part.substr(equals + 1));
    if (!found.ok())
      return found.status();
    if (equals == std::string::npos) {
      level = *found;
      continue;
    }
    const auto module = part.substr(0, equals);
    if (auto status = state.check_module(module); !status.ok())
      return status;
    by_module[module] = *found;
  }
  state.level = level;
  state.by_module = std::move(by_module);
  state.apply();
  return absl::OkStatus();
}

absl::Status set_log_level(const std::string& module, const std::string& level) {
  const auto found = parse_level(level);
  if (!found.ok())
    return found.status();
  auto& state = the_state();
  const std::lock_guard lock(state.guard);
  if (module.empty()) {
    state.level = *found;
    state.by_module.clear();
  } else if (auto status = state.check_module(module); !status.ok()) {
    return status;
  } else {
    state.by_module[module] = *found;
  }
  state.apply();
  return absl::OkStatus();
}

std::map<std::string, std::string> log_levels() {
  auto& state = the_state();
  const std::lock_guard lock(state.guard);
  std::map<std::string, std::string> levels;
  for (const auto& module : state.known)
    levels[module] = level_name(state.level_of(module));
  return levels;
}

log_sink& the_log() {
  return *the_state().sink;
}

} // namespace expbuild
