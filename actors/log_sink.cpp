#include "actors/log_sink.hpp"

#include "actors/log_about.hpp"
#include "actors/trace.hpp"

#include <spdlog/details/log_msg.h>

#include <cerrno>
#include <poll.h>
#include <sys/stat.h>

namespace expbuild {

namespace {

/// Somebody reads what is written there, or does not.
bool has_reader(int fd) {
  struct stat what {};
  if (::fstat(fd, &what) != 0)
    return false;
  return S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode) || ::isatty(fd) == 1;
}

/// Nothing can be told about a log that can not be written: it is left at that.
void write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

log_line line_of(const spdlog::details::log_msg& message) {
  log_line line{.at = message.time,
                .level = message.level,
                .module = std::string(message.logger_name.data(), message.logger_name.size()),
                .message = clean_text({message.payload.data(), message.payload.size()})};
  line.trace = current_trace().trace;
  if (const auto* about = log_about::current(); about != nullptr) {
    line.action = about->action();
    line.operation = about->operation();
    if (about->trace() != 0)
      line.trace = about->trace();
  }
  return line;
}

} // namespace

log_sink::log_sink(int fd, const repeat_limits& limits)
    : fd_(fd), can_stall_(has_reader(fd)), limiter_(limits) {}

void log_sink::log(const spdlog::details::log_msg& message) {
  auto line = line_of(message);
  const std::lock_guard lock(guard_);
  const bool admitted = limiter_.admit(line);
  take_repeats(line.at);
  if (admitted)
    take(std::move(line));
}

void log_sink::set_format(log_format format) {
  const std::lock_guard lock(guard_);
  format_ = format;
}

void log_sink::tell_repeats(time_point now) {
  const std::lock_guard lock(guard_);
  alarmed_ = time_point::max(); // it has rung, too early perhaps
  take_repeats(now);
}

void log_sink::set_alarm(std::function<void(std::chrono::nanoseconds)> alarm) {
  const std::lock_guard lock(guard_);
  alarm_ = std::move(alarm);
}

void log_sink::take_repeats(time_point now) {
  for (auto& told : limiter_.due(now))
    take(std::move(told));
  const auto next = limiter_.next_due();
  if (std::exchange(alarmed_, next) != next && next != time_point::max() && alarm_)
    alarm_(next - now);
}

void log_sink::tell_all_repeats(time_point now) {
  const std::lock_guard lock(guard_);
  for (auto& told : limiter_.rest(now))
    take(std::move(told));
}

void log_sink::take(log_line line) {
  if (!takes_more()) {
    ++unwritten_;
  } else {
    if (unwritten_ > 0)
      write(
          {.at = line.at,
           .level = spdlog::level::warn,
           .module = "log",
           .message = std::to_string(std::exchange(unwritten_, 0))
                      + " lines are missing here: nobody read them; rectl logs has the last ones"});
    if (takes_more())
      write(line);
    else
      ++unwritten_;
  }
  ring_->push(std::move(line));
}

void log_sink::write(const log_line& line) {
  bytes_.clear();
  format_ == log_format::text ? append_text(bytes_, line) : append_json(bytes_, line);
  write_whole(fd_, bytes_);
}

bool log_sink::takes_more() const {
  if (!can_stall_)
    return true;
  pollfd it{.fd = fd_, .events = POLLOUT, .revents = 0};
  return ::poll(&it, 1, 0) != 0; // also when it is broken: then the write tells at once
}

} // namespace expbuild
