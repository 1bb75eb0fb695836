#pragma once
#include "actors/cas_messages.hpp"
#include "actors/space_budget.hpp"
#include "storage/io_pool.hpp"
#include "storage/store_clock.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace expbuild {

struct space_keeper_options {
  std::shared_ptr<backend> store;
  std::shared_ptr<io_pool> io;
  /// For how long a blob is promised.
  std::chrono::seconds lease{3 * 3600};
  store_clock clock = make_store_clock();
  /// Hears, on a thread of the pool, what the pool has done. Whoever hears it calls `measured`.
  std::function<void(space_measured)> tell;
};

/// Keeps the store within its budget: has the I/O pool measure it and evict what nobody was
/// promised, one of both at a time. Knows no actor and waits for nothing. One thread at a time.
class space_keeper {
public:
  /// `budget` must live longer.
  space_keeper(space_keeper_options options, space_budget& budget)
      : options_(std::move(options)), budget_(budget) {}

  /// Begins to make room when there is too little.
  void look_after();

  /// Begins to make room, whatever there is: so many bytes, or more when there is too little, a
  /// round at a time. False when nothing can go: everything was promised to somebody (or the pool
  /// is full).
  bool evict_some(std::int64_t bytes = 1);

  /// Begins to measure, unless something is under way that ends with that.
  void measure();

  void measured(const space_measured& event);

  bool is_evicting() const noexcept { return evicting_; }
  bool is_measuring() const noexcept { return measuring_; }

private:
  std::optional<std::chrono::seconds>
  age_of_youngest(const std::vector<blob_index::victim>& victims) const;

  const space_keeper_options options_;
  space_budget& budget_;
  bool evicting_ = false;
  bool measuring_ = false;
};

} // namespace expbuild
