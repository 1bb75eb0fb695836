#include "services/log_reader.hpp"

#include "services/times.hpp"

#include <algorithm>

namespace expbuild {

namespace {

using admin::v1::LogLine;
using level_type = spdlog::level::level_enum;

constexpr std::int32_t usual_lines = 100;
constexpr std::size_t lines_at_once = 1000;
constexpr std::size_t max_text = 1000;

absl::StatusOr<level_type> read_level(const std::string& text) {
  if (text.empty())
    return level_type::info;
  for (const auto level : {level_type::trace, level_type::debug, level_type::info, level_type::warn,
                           level_type::err, level_type::critical})
    if (text == level_name(level))
      return level;
  return absl::InvalidArgumentError("log level '" + clean_text(text, 100)
                                    + "' is none of trace, debug, info, warn, error, critical");
}

LogLine describe(const log_line& line) {
  LogLine x;
  set_timestamp(*x.mutable_at(), line.at);
  x.set_level(std::string(level_name(line.level)));
  x.set_module(line.module);
  x.set_message(whole_message(line));
  x.set_action_digest(line.action);
  x.set_operation(line.operation);
  x.set_trace_id(trace_text(line.trace));
  return x;
}

LogLine describe_lost(std::uint64_t lines) {
  auto x = describe({.at = std::chrono::system_clock::now(),
                     .level = level_type::warn,
                     .module = "log",
                     .message = std::to_string(lines)
                                + " lines are missing here: they were gone before you took them"});
  x.set_lost(static_cast<std::int64_t>(lines));
  return x;
}

} // namespace

absl::StatusOr<log_reader> log_reader::make(std::shared_ptr<log_ring> ring,
                                            const admin::v1::GetLogRequest& request) {
  const auto level = read_level(request.level());
  if (!level.ok())
    return level.status();
  if (request.contains().size() > max_text || request.module().size() > max_text)
    return absl::InvalidArgumentError("the text to look for in the log is longer than 1000 bytes");
  return log_reader(std::move(ring), request, *level);
}

bool log_reader::fits(const log_line& line) const {
  if (line.level < level_ || (!request_.module().empty() && request_.module() != line.module))
    return false;
  return request_.contains().empty()
         || line.operation.find(request_.contains()) != std::string::npos
         || whole_message(line).find(request_.contains()) != std::string::npos;
}

/// From the newest back, until there are enough.
void log_reader::begin() {
  begun_ = true;
  const auto page = ring_->read(0);
  place_ = page.next;
  const auto last = request_.last() == 0 ? usual_lines : std::max(request_.last(), 0);
  for (auto i = page.lines.rbegin();
       i != page.lines.rend() && found_.size() < static_cast<std::size_t>(last); ++i)
    if (fits(**i))
      found_.push_front(*i);
}

/// False when it has seen all that there is.
bool log_reader::look() {
  auto page = ring_->read(place_, lines_at_once);
  place_ = page.next;
  lost_ += page.lost;
  for (auto& line : page.lines)
    if (fits(*line))
      found_.push_back(std::move(line));
  return !page.lines.empty();
}

std::optional<LogLine> log_reader::next() {
  if (!begun_)
    begin();
  while (found_.empty() && lost_ == 0 && request_.follow())
    if (!look())
      return std::nullopt;
  if (lost_ > 0)
    return describe_lost(std::exchange(lost_, 0));
  if (found_.empty())
    return std::nullopt;
  const auto line = std::move(found_.front());
  found_.pop_front();
  return describe(*line);
}

std::optional<absl::Status> log_reader::ended() const {
  if (!request_.follow())
    return absl::OkStatus();
  if (ring_->round() != round_)
    return absl::UnavailableError("the server is stopping");
  return std::nullopt;
}

} // namespace expbuild
