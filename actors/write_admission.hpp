#pragma once
#include "actors/cas_messages.hpp"
#include "actors/space_budget.hpp"

#include <absl/status/statusor.h>

#include <cstdint>
#include <deque>
#include <vector>

namespace expbuild {

/// What a request wants to write.
struct write_wish {
  std::vector<bool> wanted; ///< in the order asked; false: it is there already
  std::uint64_t count = 0;  ///< writers
  room needed;
};

struct write_limits {
  std::uint64_t max_open_writes = 4096;
  std::size_t max_waiting = 1024;
};

/// Who may write to the store now, who waits for room (first come, first served), and who is
/// refused and why. Plain data: no actors, no clock, no disk.
class write_admission {
public:
  struct waiting {
    admit_writes request;
    reply<admitted_writes> answer;
  };

  /// `budget` must live longer.
  write_admission(write_limits limits, space_budget& budget) : limits_(limits), budget_(budget) {}

  /// Whether this may be written at once; false: when there is room. RESOURCE_EXHAUSTED or
  /// UNAVAILABLE when it must not even wait. `index_complete`: all that is stored is known, so that
  /// something can go.
  absl::StatusOr<bool> ask(const write_wish& x, bool index_complete) const;

  /// There is room and a writer for the one that waits longest, which wants this now.
  bool is_ready(const write_wish& first) const;

  void begun(const write_wish& x);
  void ended(std::uint64_t count, const room& reserved);
  std::uint64_t open_writes() const noexcept { return open_writes_; }

  std::deque<waiting>& queue() noexcept { return queue_; }

  /// For those whose `needed` bytes are refused although all was done that can be done: `promised`
  /// bytes must not go.
  absl::Status full_of_promises(std::int64_t needed, std::int64_t promised) const;

private:
  absl::Status may_wait(const write_wish& x, bool index_complete) const;

  const write_limits limits_;
  space_budget& budget_;
  std::uint64_t open_writes_ = 0;
  std::deque<waiting> queue_; ///< for room
};

} // namespace expbuild
