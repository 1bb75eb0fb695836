#pragma once
#include "actors/log_line.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace expbuild {

struct repeat_limits {
  std::size_t lines = 20; ///< of one kind, in one window
  std::chrono::milliseconds window{10'000};
  std::size_t kinds = 256; ///< that are remembered at once
};

/// Decides which lines are written when the same one comes again and again: the first of a window
/// are, the others are counted and told in one line when it is over. While a kind of line goes on
/// like this only one of each window is written.
///
/// Warnings and errors are the same when they differ in figures and hashes alone (names such as
/// host-worker-1 are kept); lines at info when their text is the same. What is said of an action
/// at info is its account and always written; so is everything below info, for whoever turned it on
/// wants it.
///
/// A plain class: no lock, no clock; the time is that of the lines.
class repeat_limiter {
public:
  using time_point = std::chrono::system_clock::time_point;

  explicit repeat_limiter(const repeat_limits& limits = {}) : limits_(limits) {}

  /// False: it is counted instead. The first of its kind is always written.
  bool admit(const log_line& line);

  /// Lines that tell what was left out in windows that are over by now, or that had to be
  /// forgotten; to be written at once.
  std::vector<log_line> due(time_point now);

  /// When `due` will have something to tell; `time_point::max()` when nothing was left out.
  time_point next_due() const { return next_due_; }

  /// The same, of all windows: for the end.
  std::vector<log_line> rest(time_point now);

private:
  struct window {
    time_point began;
    time_point last;
    std::size_t allowed = 0;
    std::size_t written = 0;
    std::int64_t left_out = 0;
    spdlog::level::level_enum level = spdlog::level::info;
    std::string module;
    std::string message; ///< of the first that was left out, cut
  };

  bool is_over(const window& x, time_point now) const {
    return now < x.began || now - x.began >= limits_.window; // a clock may be set back
  }
  void tell(window& x, time_point now);
  window& window_of(std::uint64_t kind, time_point now);
  void forget_one();

  const repeat_limits limits_;
  std::unordered_map<std::uint64_t, window> windows_; ///< by kind
  std::deque<std::uint64_t> order_;                   ///< kinds, as they came
  std::vector<log_line> told_;                        ///< to be written
  time_point next_due_ = time_point::max();
  time_point latest_; ///< of 1970 before the first: the very first can not be subtracted from
};

/// What lines of the same kind have in common.
std::uint64_t kind_of(const log_line& line);

} // namespace expbuild
