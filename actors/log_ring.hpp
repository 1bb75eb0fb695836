#pragma once
#include "actors/log_line.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace expbuild {

/// The last lines of the log, within limits on their number and their bytes; the oldest go.
/// Whoever follows it is called when there is more, and reads on where he was: a writer never waits
/// for a reader. Any thread.
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

  /// The writer of a line calls it, with the log locked: it hands over to a thread of its own, and
  /// neither logs nor waits.
  using follower = std::function<void()>;

  /// Calls the follower once: when there are lines from this place on, or those of this round are
  /// sent away; at once if that is so already. Never when it is gone by then: a follower that is
  /// gone is forgotten with the next line or the next follower.
  void wait(std::uint64_t from, std::uint64_t round, const std::weak_ptr<const follower>& who);

  /// Sends away those who follow now. Each time the round is another one.
  void end_followers();
  std::uint64_t round() const;

  std::size_t waiting() const;

  std::size_t bytes() const;

private:
  using followers = std::vector<std::weak_ptr<const follower>>;
  static void call(const followers& all);

  const std::size_t max_lines_;
  const std::size_t max_bytes_;
  mutable std::mutex guard_;
  std::deque<log_line_ptr> lines_;
  std::uint64_t first_ = 1; ///< place of the oldest
  std::size_t bytes_ = 0;
  std::uint64_t round_ = 0;
  followers waiting_;
};

} // namespace expbuild
