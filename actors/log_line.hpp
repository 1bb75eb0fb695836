#pragma once
#include <spdlog/common.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace expbuild {

/// One line of the log.
struct log_line {
  std::chrono::system_clock::time_point at;
  spdlog::level::level_enum level = spdlog::level::info;
  std::string module;
  std::string message;     ///< as `clean_text` leaves it
  std::string action = {}; ///< the digest of the action that it is about
  std::string operation = {};
  std::uint64_t trace = 0; ///< where the thread stood; 0: in none
};

using log_line_ptr = std::shared_ptr<const log_line>;

/// A message is cut behind so many bytes: a whole line then is one write that a pipe takes at once
/// or not at all (PIPE_BUF, 4096).
inline constexpr std::size_t max_log_message = 3800;

/// "trace", "debug", "info", "warn", "error", "critical", "off".
std::string_view level_name(spdlog::level::level_enum level);

/// The text as it may stand in a line: what would end a line or steer a terminal (control
/// characters, line separators, changes of the writing direction) is '?', bytes that are no UTF-8
/// become U+FFFD, what is longer than `max_bytes` ends in "...".
std::string clean_text(std::string_view text, std::size_t max_bytes = max_log_message);

/// 16 hexadecimal digits; empty for 0.
std::string trace_text(std::uint64_t trace);

/// The message, followed by the action's digest, unless it names it, and by the trace where it is
/// about an action: "...: queued again trace=00d1c5e0b3a2f417".
std::string whole_message(const log_line& line);

/// Appends `2025-11-30T12:00:00Z INFO scheduler: message` and a newline.
void append_text(std::string& to, const log_line& line);

/// Appends one JSON object and a newline: ts, level, module, msg, and where they are known
/// action_digest, operation, trace_id.
void append_json(std::string& to, const log_line& line);

} // namespace expbuild
