#pragma once
#include "actors/job.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace expbuild {

/// Jobs that wait for a worker: lower priority value first, first come first served inside, and
/// only to a worker that offers what the job wants. Plain data: no actors, no clock.
class job_queue {
public:
  /// Last of its priority.
  void push(job_ptr work, std::int32_t priority);

  /// First of its priority: a job that a lost worker gives back.
  void push_front(job_ptr work, std::int32_t priority);

  /// The most urgent job that a worker offering `offered` can run.
  std::optional<job_ptr> pop(const platform_properties& offered);

  /// Null when the job does not wait here.
  job_ptr remove(std::uint64_t execution);

  /// Moves a waiting job up; nothing happens when it waits at that priority or sooner.
  void raise(std::uint64_t execution, std::int32_t priority);

  /// When the one was queued that waits longest; none when nothing waits.
  std::optional<std::chrono::system_clock::time_point> oldest() const;

  /// How many want what `offered` says that nobody offers.
  std::size_t unserved(const std::function<bool(const platform_properties& wanted)>& offered) const;

  std::size_t size() const noexcept { return places_.size(); }
  bool empty() const noexcept { return places_.empty(); }

private:
  using order = std::pair<std::int32_t, std::int64_t>; // priority, then arrival
  /// Jobs that want the same platform.
  struct group {
    platform_properties wanted;
    std::map<order, job_ptr> jobs;
  };
  struct place {
    std::string group;
    order at;
  };

  void insert(job_ptr work, order at);
  job_ptr take(std::map<std::string, group>::iterator from, const order& at);

  std::map<std::string, group> groups_;
  std::unordered_map<std::uint64_t, place> places_; // by execution
  std::int64_t last_ = 0;
  std::int64_t first_ = 0;
};

} // namespace expbuild
