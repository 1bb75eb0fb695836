#pragma once
#include "storage/digest.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace expbuild {

/// Which actions are under way, under which operation names, and which streams listen to each. One
/// action is one execution, however many Executes have joined it. Plain data: no actors.
class live_operations {
public:
  struct entry {
    digest action;
    std::uint64_t trace = 0; ///< of the stream that started it
    bool joinable = false;
    std::vector<std::string> names;
    std::map<std::uint64_t, std::string> listeners; ///< and the name under which each listens
    std::uint64_t actor = 0;                        ///< its number
  };

  /// A new one; answers the number of the execution, which rises. The same action may join it from
  /// now on when it is `joinable`.
  std::uint64_t begin(const digest& action, std::uint64_t trace, bool joinable);

  // Of one that is here.
  void runs_in(std::uint64_t execution, std::uint64_t actor);
  void add_name(std::uint64_t execution, const std::string& operation);
  void add_listener(std::uint64_t execution, std::uint64_t listener,
                    const std::string& operation = {});
  const entry& at(std::uint64_t execution) const { return entries_.at(execution); }

  /// A stream is gone. Answers what it listened to, while that is here.
  std::optional<std::uint64_t> leave(std::uint64_t listener);

  /// This name of it has ended, and the streams that listen under it have heard so: they are gone.
  void end_name(std::uint64_t execution, const std::string& operation);

  /// It has ended: its streams and its actor are forgotten with it. Nullopt when it is not here.
  std::optional<entry> remove(std::uint64_t execution);

  /// What an Execute of this action may join.
  std::optional<std::uint64_t> to_join(const digest& action) const;
  std::optional<std::uint64_t> of_actor(std::uint64_t actor) const;

  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t listeners() const noexcept { return by_listener_.size(); }

private:
  std::unordered_map<std::uint64_t, entry> entries_;
  std::unordered_map<digest, std::uint64_t> by_action_; ///< joinable ones
  std::unordered_map<std::uint64_t, std::uint64_t> by_listener_;
  std::unordered_map<std::uint64_t, std::uint64_t> by_actor_;
  std::uint64_t last_ = 0;
};

} // namespace expbuild
