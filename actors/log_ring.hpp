#pragma once
#include "actors/log_line.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace expbuild {

/// The last lines of the log, within limits on their number and their bytes; the oldest go.
/// Whoever follows it comes by and reads on where he was: a writer never waits for a reader, and a
/// reader costs nothing beside what he holds. Any thread.
class log_ring {
public:
  static constexpr std::size_t most_lines = 10'000;

  explicit log_ring(std::size_t max_lines = most_lines,
                    std::size_t max_bytes = std::size_t{4} << 20)
      : max_lines_(max_lines), max_bytes_(max_bytes) {}

  void push(log_line line);

  struct page {
    std::vector<log_line_ptr> lines;
    std::uint64_t next = 0; ///< where to read on
    std::uint64_t lost = 0; ///< lines between `from` and the first of these, which are gone
  };

  /// Lines from this place on (0: the oldest that there is and nothing lost), the oldest first.
  page read(std::uint64_t from, std::size_t max_lines = most_lines) const;

  /// Sends away those who follow now. Each time the round is another one.
  void end_followers() noexcept { ++round_; }
  std::uint64_t round() const noexcept { return round_; }

  std::size_t bytes() const;

private:
  const std::size_t max_lines_;
  const std::size_t max_bytes_;
  std::atomic<std::uint64_t> round_{0};
  mutable std::mutex guard_;
  std::deque<log_line_ptr> lines_;
  std::uint64_t first_ = 1; ///< place of the oldest
  std::size_t bytes_ = 0;
};

} // namespace expbuild
