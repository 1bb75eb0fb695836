#include "actors/log_line.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace expbuild {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr std::string_view cut_mark = "...";

/// Nothing but what can be printed of ASCII: eight bytes at a time.
bool is_plain(std::string_view text) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101, high = ones * 0x80;
  std::uint64_t bad = 0;
  std::uint64_t word = 0;
  while (text.size() >= sizeof word) {
    std::memcpy(&word, text.data(), sizeof word);
    bad |= word | (word - ones * ' ') | (word + ones); // above 0x7f, below ' ', 0x7f
    text.remove_prefix(sizeof word);
  }
  return (bad & high) == 0
         && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

struct code_point {
  std::uint32_t value = 0;
  std::size_t bytes = 0; ///< 0: the text does not begin with one
};

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
code_point first_of(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80)
    return {.value = lead, .bytes = 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes)
    return {};
  std::uint32_t value = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (bytes == 3 && value < 0x800) || (bytes == 4 && value < 0x10000);
  if (overlong || (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff)
    return {};
  return {.value = value, .bytes = bytes};
}

/// Ends a line or steers what shows it.
bool is_steering(std::uint32_t c) noexcept {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) // C0, DEL, C1
         || c == 0x200e || c == 0x200f        // marks of direction
         || (c >= 0x2028 && c <= 0x202e)      // line and paragraph separators, embeddings
         || (c >= 0x2066 && c <= 0x2069);     // isolates
}

/// Seconds as text; the same second is asked for again and again.
std::string_view seconds_text(std::time_t second) {
  thread_local std::time_t last = -1;
  thread_local char text[64];
  thread_local std::size_t length = 0;
  if (second != last) {
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    last = second;
  }
  return {text, length};
}

std::string_view upper_name(spdlog::level::level_enum level) {
  static constexpr std::string_view names[] = {"TRACE", "DEBUG", "INFO", "WARN",
                                               "ERROR", "FATAL", ""};
  return names[level];
}

/// What `clean_text` left needs no other escapes.
void append_string(std::string& to, std::string_view text) {
  to += '"';
  const auto begin = to.size();
  for (const char c : text) {
    if (to.size() - begin >= max_log_message) { // between two characters, see below
      if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
        to += cut_mark;
        break;
      }
    }
    if (c == '"' || c == '\\')
      to += '\\';
    to += c;
  }
  to += '"';
}

void append_member(std::string& to, const char* name, std::string_view value) {
  if (value.empty())
    return;
  to.append(",\"").append(name).append("\":");
  append_string(to, value);
}

void append_message(std::string& to, const log_line& line) {
  to += line.message;
  if (line.action.empty())
    return;
  if (line.message.find(line.action) == std::string::npos)
    to.append(" action=").append(line.action);
  if (line.trace != 0)
    to.append(" trace=").append(trace_text(line.trace));
}

} // namespace

std::string_view level_name(spdlog::level::level_enum level) {
  static constexpr std::string_view names[] = {"trace", "debug",    "info", "warn",
                                               "error", "critical", "off"};
  return names[level];
}

std::string clean_text(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes && is_plain(text))
    return std::string(text);
  std::string out;
  while (!text.empty()) {
    const auto c = first_of(text);
    const auto piece = c.bytes == 0           ? replacement
                       : is_steering(c.value) ? std::string_view("?")
                                              : text.substr(0, c.bytes);
    if (out.size() + piece.size() > max_bytes)
      return out.append(cut_mark);
    out += piece;
    text.remove_prefix(std::max<std::size_t>(c.bytes, 1));
  }
  return out;
}

std::string trace_text(std::uint64_t trace) {
  if (trace == 0)
    return {};
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, trace >>= 4)
    *digit = "0123456789abcdef"[trace & 0xf];
  return text;
}

std::string whole_message(const log_line& line) {
  std::string text;
  append_message(text, line);
  return text;
}

void append_text(std::string& to, const log_line& line) {
  to += seconds_text(std::chrono::system_clock::to_time_t(line.at));
  to.append("Z ").append(upper_name(line.level)).append(" ").append(line.module).append(": ");
  append_message(to, line);
  to += '\n';
}

void append_json(std::string& to, const log_line& line) {
  const auto ms =
      std::chrono::floor<std::chrono::milliseconds>(line.at.time_since_epoch()).count() % 1000;
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(ms));
  to.append("{\"ts\":\"").append(seconds_text(std::chrono::system_clock::to_time_t(line.at)));
  to.append(fraction).append("\",\"level\":\"").append(level_name(line.level));
  to.append("\",\"module\":");
  append_string(to, line.module);
  to.append(",\"msg\":");
  append_string(to, line.message);
  append_member(to, "action_digest", line.action);
  append_member(to, "operation", line.operation);
  append_member(to, "trace_id", trace_text(line.trace));
  to += "}\n";
}

} // namespace expbuild
