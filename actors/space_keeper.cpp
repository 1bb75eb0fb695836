#include "actors/space_keeper.hpp"

#include "actors/background.hpp"

#include <algorithm>
#include <utility>

namespace expbuild {

namespace {

/// Blobs that one round of eviction takes: the room that they leave is given out before the next.
constexpr std::size_t evicted_at_once = 512;

} // namespace

void space_keeper::look_after() {
  if (!evicting_ && budget_.excess() > 0 && options_.store->is_index_complete())
    evict_some();
}

bool space_keeper::evict_some(std::int64_t bytes) {
  auto& index = options_.store->index();
  auto victims = index.choose_victims(std::max({budget_.excess(), bytes, std::int64_t{1}}),
                                      evicted_at_once, options_.clock());
  if (victims.empty())
    return false;
  auto work = [store = options_.store, victims, tell = options_.tell,
               age = age_of_youngest(victims)] {
    space_measured event;
    event.status = store->evict(victims);
    event.usage = store->usage();
    event.eviction_over = true;
    event.evicted = victims.size();
    for (const auto& x : victims)
      event.evicted_bytes += x.id.size_bytes();
    event.youngest_evicted = age;
    tell(std::move(event));
  };
  evicting_ = in_background(*options_.io, io_pool::lane::long_work, std::move(work));
  if (!evicting_) // too much other work: they stay
    for (const auto& x : victims)
      index.add(x.id, x.place, x.stamp);
  return evicting_;
}

/// A promise is made when a blob is stored or asked for, and lasts for a lease and a tenth of it
/// (the index stretches it, so that it need not be renewed at every use).
std::optional<std::chrono::seconds>
space_keeper::age_of_youngest(const std::vector<blob_index::victim>& victims) const {
  store_seconds last = 0;
  for (const auto& x : victims)
    last = std::max(last, x.promised_until);
  if (last == 0)
    return std::nullopt;
  return std::max(std::chrono::seconds(options_.clock()) + options_.lease + options_.lease / 10
                      - std::chrono::seconds(last),
                  std::chrono::seconds(0));
}

void space_keeper::measure() {
  if (measuring_ || evicting_)
    return;
  auto work = [store = options_.store, tell = options_.tell] {
    space_measured event;
    event.usage = store->usage();
    tell(std::move(event));
  };
  measuring_ = in_background(*options_.io, io_pool::lane::short_work, std::move(work));
}

void space_keeper::measured(const space_measured& event) {
  (event.eviction_over ? evicting_ : measuring_) = false;
  budget_.measured(event.usage);
}

} // namespace expbuild
