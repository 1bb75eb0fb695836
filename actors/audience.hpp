#pragma once
#include "actors/operation_state.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace expbuild {

/// Who hears of one action: its operation names, one for each Execute, and under each of them any
/// number of streams. Knows for how long nobody has listened. Plain data: no actors; time comes as
/// beats.
class audience {
public:
  /// A name that an Execute has just got, and what that wants inlined.
  void add(const std::string& operation, const inline_request& inlined);

  /// A stream listens under a name that is here. `listener` is a number that no other has.
  void join(const std::string& operation, std::uint64_t listener, const operation_sink& sink);
  void leave(std::uint64_t listener);

  /// Nobody will ask for the end of this name.
  void unwant(const std::string& operation) { unwanted_.insert(operation); }

  /// One more beat. Answers how many whole ones have passed since the last stream left; nullopt
  /// while one listens, or before any has left.
  std::optional<std::uint64_t> beat();

  /// `x` as it is seen under this name, which is here.
  operation_state seen_as(const std::string& operation, operation_state x) const;

  /// Every stream hears `x` under its own name.
  void tell(const operation_state& x) const;

  /// The streams of the name in `last` hear that this was the end and have left, and the name is
  /// gone. False when it was unwanted.
  bool conclude(const operation_state& last);

  bool contains(const std::string& operation) const { return names_.contains(operation); }
  bool empty() const noexcept { return names_.empty(); }
  std::size_t size() const noexcept { return names_.size(); }
  /// Of those that are here; empty without any.
  std::string any_name() const { return names_.empty() ? std::string() : names_.begin()->first; }

private:
  struct named {
    inline_request inlined;
    std::map<std::uint64_t, operation_sink> streams;
  };

  void have_left(std::size_t streams);

  std::map<std::string, named> names_;
  std::set<std::string> unwanted_;
  std::size_t streams_ = 0; ///< of all names
  std::uint64_t beats_ = 0;
  std::optional<std::uint64_t> alone_since_; ///< in beats
};

} // namespace expbuild
