#pragma once
#include "actors/operation_state.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace expbuild {

struct retirement_options {
  std::chrono::seconds ttl{300};
  std::size_t max_operations = 100'000;
  std::size_t max_bytes = std::size_t{256} << 20; ///< of their responses and metadata, serialised
};

/// Finished operations that can still be asked for. Past a limit the oldest go early. Plain data.
class retired_operations {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit retired_operations(retirement_options options) : options_(options) {}

  void add(operation_state state, time_point now);
  /// Null when it is not (or no longer) here.
  const operation_state* find(const std::string& name) const;
  /// Nothing happens when it is not here.
  void erase(const std::string& name);
  /// Drops what is over and returns the names.
  std::vector<std::string> expire(time_point now);
  std::optional<time_point> next_expiry() const;
  std::size_t size() const noexcept { return by_name_.size(); }

private:
  struct entry {
    std::uint64_t number = 0; ///< rises with the age
    time_point until;
    std::size_t bytes = 0;
    operation_state state;
  };
  bool is_over(const entry& x, time_point now) const noexcept;

  retirement_options options_;
  std::map<std::uint64_t, std::string> by_age_; // the TTL is one for all: the oldest expires first
  std::unordered_map<std::string, entry> by_name_;
  std::uint64_t last_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace expbuild
