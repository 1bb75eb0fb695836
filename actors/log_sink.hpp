#pragma once
#include "actors/log_ring.hpp"
#include "actors/repeat_limiter.hpp"

#include <spdlog/sinks/sink.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unistd.h>

namespace expbuild {

enum class log_format { text, json };

/// Where all loggers write: limits repeats, keeps the line in the ring, writes it to a descriptor.
/// What a line is about it takes from the writing thread (log_about.hpp, trace.hpp).
///
/// A line is one write. It waits for a disk as any write does, but for no reader: while a pipe, a
/// socket or a terminal is full, lines stay in the ring alone and are counted; the next one that
/// goes through tells. Any thread.
class log_sink final : public spdlog::sinks::sink {
public:
  /// `fd` stays the caller's.
  explicit log_sink(int fd = STDERR_FILENO, const repeat_limits& limits = {});

  void log(const spdlog::details::log_msg& message) override;
  void flush() override {}
  void set_pattern(const std::string&) override {} ///< it has its own
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  void set_format(log_format format);

  using time_point = repeat_limiter::time_point;
  /// Writes what was left out in windows that are over.
  void tell_repeats(time_point now);
  /// A storm may end with no line after it: `alarm` hears after how long `tell_repeats` is wanted.
  /// It is called while a line is being written, must not log, and is never wanted twice at a time.
  void set_alarm(std::function<void(std::chrono::nanoseconds)> alarm);
  /// The same for all windows: before the end.
  void tell_all_repeats(time_point now);

  const std::shared_ptr<log_ring>& ring() const noexcept { return ring_; }

private:
  void take(log_line line);
  void take_repeats(time_point now);
  void write(const log_line& line);
  bool takes_more() const;

  const int fd_;
  const bool can_stall_; ///< a pipe, a socket, a terminal
  const std::shared_ptr<log_ring> ring_ = std::make_shared<log_ring>();
  std::mutex guard_;
  log_format format_ = log_format::text;
  repeat_limiter limiter_;
  std::function<void(std::chrono::nanoseconds)> alarm_;
  time_point alarmed_ = time_point::max(); ///< for when
  std::string bytes_;
  std::uint64_t unwritten_ = 0;
};

} // namespace expbuild
