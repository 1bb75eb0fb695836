#pragma once
#include "actors/job.hpp"
#include "actors/worker_status.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace expbuild {

/// The slots that are there: which is free, which runs what, which gets nothing more. A slot goes
/// by its worker's number, which no other worker ever has. Plain data: no actors, no clock.
class worker_slots {
public:
  using worker_id = std::uint64_t;
  using time_point = std::chrono::system_clock::time_point;
  using condition_counts = std::map<worker_condition, std::size_t>;

  struct slot {
    /// Name, type, pid, platform and since when; condition and step are filled in when it is told.
    worker_status status;
    std::shared_ptr<const worker_pulse> pulse = {}; ///< null: it does not say what it does
    bool idle = false;
    std::uint64_t execution = 0; ///< what it runs; 0: nothing
  };

  /// A worker has come. It gets nothing before it offers itself.
  void add(worker_id worker, slot x);

  // What happens to those that are here; nothing happens to others.
  void offers(worker_id worker, time_point now);
  void starts(worker_id worker, const job& work, time_point now);
  void ended(worker_id worker); ///< what it ran; it offers itself again by itself
  void leaves(worker_id worker);

  /// It is gone. Answers what it was; nullopt when it was not here.
  std::optional<slot> remove(worker_id worker);

  /// Takes those of these names (or beginnings of names with '*') out of service, or back into it;
  /// whoever comes under such a name later, too, but of a beginning those alone that are here now.
  /// Whole names are kept: they must be of workers that there are. Answers those that are here.
  std::vector<worker_id> set_drained(const std::vector<std::string>& names, bool drained);

  bool contains(worker_id worker) const { return slots_.contains(worker); }
  /// Of one that is here.
  const slot& at(worker_id worker) const { return slots_.at(worker); }
  /// It is idle and may get something.
  bool is_free(worker_id worker) const;
  /// A free one that offers what is wanted, the one that is here the longest.
  std::optional<worker_id> find_free(const platform_properties& wanted) const;
  /// Somebody offers it who is not drained, busy or not.
  bool is_offered(const platform_properties& wanted) const;

  std::size_t size() const noexcept { return slots_.size(); }
  std::size_t idle() const;
  /// How many of each type are in which condition (idle to drained); a type that was ever here
  /// stays.
  std::map<std::string, condition_counts> count() const;
  std::vector<worker_status> statuses() const;

private:
  bool is_drained(const slot& x) const { return drained_.contains(x.status.name); }
  bool is_free(const slot& x) const { return x.idle && !is_drained(x); }
  worker_condition condition_of(const slot& x) const;

  std::map<worker_id, slot> slots_;
  std::set<std::string> drained_; ///< names of workers that get nothing
  std::set<std::string> types_;
};

} // namespace expbuild
