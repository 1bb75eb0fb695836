#include "actors/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <absl/status/statusor.h>
#include <absl/strings/str_split.h>

#include <map>
#include <mutex>

namespace expbuild {

namespace {

/// INFO, not info; the guide's form.
class upper_level : public spdlog::custom_flag_formatter {
public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    static constexpr const char* names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", ""};
    const std::string_view text = names[message.level];
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<upper_level>();
  }
};

struct log_state {
  std::mutex guard;
  std::shared_ptr<spdlog::sinks::sink> sink;
  spdlog::level::level_enum level = spdlog::level::info;
  std::map<std::string, spdlog::level::level_enum> by_module;
  std::map<std::string, std::shared_ptr<spdlog::logger>> loggers;

  log_state() : sink(std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<upper_level>('*').set_pattern("%Y-%m-%dT%H:%M:%SZ %* %n: %v");
    sink->set_formatter(std::move(formatter));
  }

  spdlog::level::level_enum level_of(const std::string& module) const {
    const auto found = by_module.find(module);
    return found == by_module.end() ? level : found->second;
  }
};

log_state& the_state() {
  static log_state state;
  return state;
}

absl::StatusOr<spdlog::level::level_enum> parse_level(const std::string& text) {
  for (const auto* known : {"trace", "debug", "info", "warn", "error", "off"})
    if (text == known)
      return text == "error" ? spdlog::level::err : spdlog::level::from_str(text);
  return absl::InvalidArgumentError("log level '" + text
                                    + "' is none of trace, debug, info, warn, error, off");
}

} // namespace

spdlog::logger& log_of(const std::string& module) {
  auto& state = the_state();
  const std::lock_guard lock(state.guard);
  auto& logger = state.loggers[module];
  if (!logger) {
    logger = std::make_shared<spdlog::logger>(module, state.sink);
    logger->set_level(state.level_of(module));
    logger->flush_on(spdlog::level::trace);
  }
  return *logger;
}

absl::Status set_log_levels(const std::string& levels) {
  auto& state = the_state();
  const std::lock_guard lock(state.guard);
  const std::vector<std::string> parts = absl::StrSplit(levels, ',', absl::SkipEmpty());
  for (const auto& part : parts) {
    const auto equals = part.find('=');
    const auto level = parse_level(equals == std::string::npos ? part : part.substr(equals + 1));
    if (!level.ok())
      return level.status();
    if (equals == std::string::npos)
      state.level = *level;
    else
      state.by_module[part.substr(0, equals)] = *level;
  }
  for (auto& [module, logger] : state.loggers)
    logger->set_level(state.level_of(module));
  return absl::OkStatus();
}

} // namespace expbuild
