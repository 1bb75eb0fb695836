#pragma once
#include "actors/action_filter.hpp"
#include "actors/action_record.hpp"

#include <absl/status/statusor.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace expbuild {

struct action_page {
  std::vector<action_snapshot> actions; ///< the newest first
  std::uint64_t next = 0;               ///< `before` of the next page; 0: this was the last
  std::uint64_t total = 0;              ///< that fit
};

struct action_history_options {
  std::size_t max_actions = 10'000; ///< that have ended; live ones come on top
  /// Of these, failed ones that stay while others go.
  std::size_t max_failed = 5'000;
  std::size_t max_result_bytes = std::size_t{32} << 20; ///< results + auxiliary metadata
  std::size_t max_outputs = 50'000; ///< sets of outputs of which the last action is remembered
};

/// Live actions and those that ended lately. Past a limit the oldest go, and before them their
/// results and auxiliary metadata; what failed stays longest.
/// Plain data: one thread at a time.
class action_history {
public:
  explicit action_history(action_history_options options) : options_(options) {}

  /// Finds the action that came `before`: of the same target and mnemonic, with the same outputs.
  void began(action_record x);

  /// Another Execute has joined.
  void joined(std::uint64_t execution, std::string operation);

  /// Something is known of a live action. Nothing happens when there is none.
  void change(std::uint64_t execution, const std::function<void(action_record&)>& change);

  /// It has ended, and `change` says how. Of its status, worker and metadata what clients can make
  /// large is cut.
  void ended(std::uint64_t execution, const std::function<void(action_record&)>& change);

  /// Null when it is not (or no longer) here.
  action_snapshot of(std::uint64_t execution) const;

  /// By operation name, action hash, invocation id (correlated ones, too) or target, whole or as a
  /// prefix of at least 6 characters, or by worker or the trace id that lines of the log carry; the
  /// latest when several belong to it. NOT_FOUND, or INVALID_ARGUMENT when the text begins the
  /// names of different operations.
  absl::StatusOr<action_snapshot> find(const std::string& query) const;

  /// Those that are older than `before` (0: all).
  action_page list(const action_filter& filter, std::uint64_t before, std::size_t limit,
                   std::chrono::system_clock::time_point now) const;

  /// Live actions, the oldest first.
  std::vector<action_snapshot> live() const;

private:
  using entry = std::shared_ptr<action_record>;

  action_record& writable(entry& x);
  void forget_old();
  void forget(std::uint64_t execution);
  void keep_result(const action_record& x);

  action_history_options options_;
  std::map<std::uint64_t, entry> actions_;
  std::set<std::uint64_t> live_;
  std::set<std::uint64_t> failed_;
  std::set<std::uint64_t> others_;               ///< ended well
  std::map<std::uint64_t, std::size_t> results_; ///< bytes of those that are kept
  std::size_t result_bytes_ = 0;
  std::unordered_map<std::uint64_t, digest> last_of_; ///< by target, mnemonic and outputs
};

} // namespace expbuild
