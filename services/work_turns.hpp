#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace expbuild {

/// Heavy work that is done for clients, at most so much of it at once; the rest waits in line,
/// first come first served. Any thread; never blocks.
class work_turns : public std::enable_shared_from_this<work_turns> {
public:
  work_turns(std::size_t at_once, std::size_t waiting) : at_once_(at_once), may_wait_(waiting) {}

  /// Held for as long as the work lasts. When the last copy goes, the next in line begins.
  using turn = std::shared_ptr<const void>;

  /// Calls `begin`, at once or later from the thread where somebody's turn ends. It must not block.
  /// False, and `begin` is dropped, when too many wait: answer RESOURCE_EXHAUSTED.
  bool take(std::function<void(turn)> begin);

  std::size_t active() const;
  std::size_t waiting() const;

private:
  void leave();
  void serve(std::unique_lock<std::mutex> lock);

  const std::size_t at_once_;
  const std::size_t may_wait_;
  mutable std::mutex guard_;
  std::deque<std::function<void(turn)>> line_;
  std::size_t active_ = 0;
  bool serving_ = false; ///< somebody is calling those whose turn it is
};

} // namespace expbuild
