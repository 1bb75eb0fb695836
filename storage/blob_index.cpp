#include "storage/blob_index.hpp"

#include "storage/blob_table.hpp"
#include "storage/eviction_order.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace expbuild {

namespace {

constexpr std::size_t slots_at_once = 1024;
/// As long as this a promise may be that was written down, even where usual ones are shorter by
/// now.
constexpr store_seconds least_believed = 24 * 3600;

} // namespace

struct blob_index::impl {
  explicit impl(options x)
      : given(std::move(x)), order(table, given.max_bytes, given.usual_promise) {}

  /// 0 also for one that is about to go.
  blob_slot present(const digest& id) const {
    const auto slot = table.find(id);
    return slot != 0 && table.at(slot).doomed == 0 ? slot : 0;
  }

  void count(const blob_entry& x, int sign) {
    stats.blobs += sign;
    stats.bytes += sign * static_cast<std::int64_t>(x.size);
    (x.segment == 0 ? stats.file_bytes : stats.packed_bytes) += sign * eviction_order::charge(x);
    stats.files += x.segment == 0 ? sign : 0;
  }

  static blob_place place_of(const blob_entry& x) { return {x.segment, x.offset}; }
  victim entry_of(blob_slot slot) const {
    const auto& x = table.at(slot);
    return {table.digest_of(slot), place_of(x), x.stamp, x.promised_until};
  }

  void settle(blob_slot slot, blob_place place, std::uint32_t stamp) {
    auto& x = table.at(slot);
    x.segment = place.segment;
    x.offset = place.offset;
    x.stamp = stamp;
    x.doomed = 0;
    count(x, 1);
  }

  std::optional<victim> doom(blob_slot slot) {
    if (slot == 0)
      return std::nullopt;
    order.take_out(slot);
    count(table.at(slot), -1);
    table.at(slot).doomed = 1;
    return entry_of(slot);
  }

  static promise_note note_of(const blob_entry& x) {
    return {blob_table::prefix_of(x), static_cast<std::uint32_t>(x.uses), x.promised_until};
  }

  void add_to_order(blob_slot slot) {
    order.add(slot);
    if (given.grace > 0)
      order.keep_until(slot, given.clock() + given.grace);
  }

  const options given;
  mutable std::mutex guard;
  blob_table table;
  eviction_order order;
  index_stats stats;
  std::vector<promise_note> notes;
};

blob_index::blob_index(options given) : impl_(std::make_unique<impl>(std::move(given))) {}

blob_index::~blob_index() = default;

// ---- asking ----------------------------------------------------------------------------------

bool blob_index::contains(const digest& id) const {
  if (id.is_empty_blob())
    return true;
  const std::lock_guard lock(impl_->guard);
  return impl_->present(id) != 0;
}

std::optional<digest> blob_index::find_hash(digest_function function,
                                            std::string_view raw_hash) const {
  const auto& empty = digest::empty_blob(function);
  if (raw_hash == empty.raw_hash())
    return empty;
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->table.find_hash(function, raw_hash);
  if (slot == 0 || impl_->table.at(slot).doomed != 0)
    return std::nullopt;
  return impl_->table.digest_of(slot);
}

std::optional<blob_place> blob_index::find(const digest& id) {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->present(id);
  if (slot == 0)
    return std::nullopt;
  impl_->order.used(slot);
  return impl::place_of(impl_->table.at(slot));
}

std::optional<blob_place> blob_index::place(const digest& id) const {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->present(id);
  return slot == 0 ? std::nullopt : std::optional(impl::place_of(impl_->table.at(slot)));
}

std::vector<std::size_t> blob_index::promise(std::span<const digest> ids, store_seconds now,
                                             store_seconds until) {
  std::vector<std::size_t> missing;
  const std::lock_guard lock(impl_->guard);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (const auto slot = impl_->present(ids[i]); slot != 0) {
      impl_->order.used(slot);
      if (impl_->order.promise(slot, now, until) && impl_->notes.size() < max_promise_notes)
        impl_->notes.push_back(impl::note_of(impl_->table.at(slot)));
    } else if (!ids[i].is_empty_blob()) {
      missing.push_back(i);
    }
  }
  return missing;
}

std::uint32_t blob_index::stamp(const digest& id) const {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->table.find(id);
  return slot == 0 ? 0 : impl_->table.at(slot).stamp;
}

index_stats blob_index::stats() const {
  const std::lock_guard lock(impl_->guard);
  auto x = impl_->stats;
  x.promised_bytes = impl_->order.promised_bytes();
  return x;
}

std::size_t blob_index::memory() const {
  const std::lock_guard lock(impl_->guard);
  return impl_->table.memory() + impl_->order.memory();
}

void blob_index::for_each(const std::function<void(const digest&, blob_place)>& visit) const {
  std::vector<victim> some;
  for (blob_slot next = 1;;) {
    some.clear();
    {
      const std::lock_guard lock(impl_->guard);
      const auto end = impl_->table.end();
      for (; next < end && some.size() < slots_at_once; ++next)
        if (const auto& x = impl_->table.at(next); x.taken != 0 && x.doomed == 0)
          some.push_back(impl_->entry_of(next));
      if (some.empty())
        return;
    }
    for (const auto& x : some)
      visit(x.id, x.place);
  }
}

/// `from` holds the next slot and, above it, the end that the table had at first: what is added
/// later could keep a slow listing busy for ever.
std::vector<digest> blob_index::list(std::uint64_t& from, std::size_t count) const {
  std::vector<digest> some;
  for (bool more = true; more && some.empty();) {
    const std::lock_guard lock(impl_->guard); // not for long, however empty the table is
    if (from == 0)
      from = std::uint64_t{impl_->table.end()} << 32 | 1;
    auto next = static_cast<blob_slot>(from);
    const auto last = static_cast<blob_slot>(from >> 32);
    const auto end = std::min<std::size_t>(last, next + slots_at_once);
    for (; next < end && some.size() < count; ++next)
      if (const auto& x = impl_->table.at(next); x.taken != 0 && x.doomed == 0)
        some.push_back(impl_->table.digest_of(next));
    from = std::uint64_t{last} << 32 | next;
    more = next < last;
  }
  return some;
}

// ---- what backends tell ------------------------------------------------------------------------

std::optional<blob_index::victim> blob_index::add(const digest& id, blob_place place,
                                                  std::uint32_t stamp) {
  const std::lock_guard lock(impl_->guard);
  std::optional<victim> before;
  auto slot = impl_->table.find(id);
  if (slot == 0) {
    slot = impl_->table.insert(id);
  } else {
    before = impl_->entry_of(slot);
    if (impl_->table.at(slot).doomed == 0)
      impl_->count(impl_->table.at(slot), -1);
    impl_->order.take_out(slot);
  }
  impl_->settle(slot, place, stamp);
  impl_->add_to_order(slot);
  return before;
}

bool blob_index::add_found(const digest& id, blob_place place, std::uint32_t stamp) {
  const std::lock_guard lock(impl_->guard);
  if (impl_->table.find(id) != 0)
    return false;
  const auto slot = impl_->table.insert(id);
  impl_->settle(slot, place, stamp);
  impl_->order.add(slot);
  return true;
}

std::optional<blob_index::victim> blob_index::replace_older(const digest& id, blob_place place,
                                                            std::uint32_t stamp) {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->present(id);
  if (slot == 0)
    return std::nullopt;
  const auto before = impl_->entry_of(slot);
  if (std::pair(before.place.segment, before.place.offset)
      >= std::pair(place.segment, place.offset))
    return std::nullopt;
  impl_->count(impl_->table.at(slot), -1);
  impl_->order.take_out(slot);
  impl_->settle(slot, place, stamp);
  impl_->order.add(slot);
  return before;
}

void blob_index::set_stamp(const digest& id, std::uint32_t stamp) {
  const std::lock_guard lock(impl_->guard);
  if (const auto slot = impl_->table.find(id); slot != 0)
    impl_->table.at(slot).stamp = stamp;
}

bool blob_index::move(const digest& id, blob_place from, blob_place to) {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->present(id);
  if (slot == 0 || !(impl::place_of(impl_->table.at(slot)) == from))
    return false;
  auto& x = impl_->table.at(slot);
  impl_->count(x, -1);
  impl_->settle(slot, to, x.stamp);
  return true;
}

std::optional<blob_index::victim> blob_index::remove(const digest& id, blob_place place) {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->table.find(id);
  if (slot == 0 || !(impl::place_of(impl_->table.at(slot)) == place))
    return std::nullopt;
  const auto before = impl_->entry_of(slot);
  if (impl_->table.at(slot).doomed == 0)
    impl_->count(impl_->table.at(slot), -1);
  impl_->order.take_out(slot);
  impl_->table.erase(slot);
  return before;
}

// ---- what a restart must not forget
// --------------------------------------------------------------

std::vector<blob_index::promise_note> blob_index::take_promises() {
  const std::lock_guard lock(impl_->guard);
  return std::exchange(impl_->notes, {});
}

std::vector<blob_index::promise_note> blob_index::all_promises() const {
  std::vector<promise_note> all;
  for (blob_slot next = 1;;) {
    const std::lock_guard lock(impl_->guard);
    const auto end = std::min<std::size_t>(impl_->table.end(), next + slots_at_once);
    if (next >= end)
      break;
    for (; next < end; ++next)
      if (const auto& x = impl_->table.at(next); x.taken != 0 && x.promised_until != 0)
        all.push_back(impl::note_of(x));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.until < b.until; });
  return all;
}

void blob_index::restore(std::span<const promise_note> notes) {
  const auto usual = std::max(impl_->given.usual_promise, least_believed);
  const auto latest = impl_->given.clock() + usual + usual / 10;
  const std::lock_guard lock(impl_->guard);
  for (const auto& x : notes) {
    const auto until = std::min(x.until, latest);
    if (const auto slot = impl_->table.find_prefix(x.prefix);
        slot != 0 && impl_->table.at(slot).promised_until < until)
      impl_->order.restore(slot, x.uses, until);
  }
}

// ---- making room -------------------------------------------------------------------------------

std::vector<blob_index::victim> blob_index::choose_victims(std::int64_t bytes, std::size_t count,
                                                           store_seconds now) {
  std::vector<victim> chosen;
  const std::lock_guard lock(impl_->guard);
  while (bytes > 0 && chosen.size() < count) {
    const auto slot = impl_->order.next_victim(now);
    if (slot == 0)
      break;
    auto& x = impl_->table.at(slot);
    impl_->count(x, -1);
    x.doomed = 1;
    bytes -= eviction_order::charge(x);
    chosen.push_back(impl_->entry_of(slot));
  }
  return chosen;
}

std::optional<blob_index::victim> blob_index::doom(const digest& id) {
  const std::lock_guard lock(impl_->guard);
  return impl_->doom(impl_->present(id));
}

std::optional<blob_index::victim> blob_index::doom(const digest& id, blob_place place) {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->present(id);
  if (slot == 0 || !(impl::place_of(impl_->table.at(slot)) == place))
    return std::nullopt;
  return impl_->doom(slot);
}

bool blob_index::is_doomed(const digest& id) const {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->table.find(id);
  return slot != 0 && impl_->table.at(slot).doomed != 0;
}

} // namespace expbuild
