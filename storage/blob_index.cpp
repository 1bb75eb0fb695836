#include "storage/blob_index.hpp"

#include "storage/blob_ledger.hpp"

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

/// The ledger for any number of threads, with a clock, and with the promises that nobody wrote down
/// yet.
struct blob_index::impl {
  explicit impl(options x)
      : given(std::move(x)), ledger(given.max_bytes, given.usual_promise, given.restores) {}

  const options given;
  mutable std::mutex guard;
  blob_ledger ledger;
  std::vector<promise_note> notes;
};

blob_index::blob_index(options given) : impl_(std::make_unique<impl>(std::move(given))) {}

blob_index::~blob_index() = default;

// ---- asking ----------------------------------------------------------------------------------

bool blob_index::contains(const digest& id) const {
  if (id.is_empty_blob())
    return true;
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.find(id) != 0;
}

std::optional<digest> blob_index::find_hash(digest_function function,
                                            std::string_view raw_hash) const {
  const auto& empty = digest::empty_blob(function);
  if (raw_hash == empty.raw_hash())
    return empty;
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->ledger.find_hash(function, raw_hash);
  return slot == 0 ? std::nullopt : std::optional(impl_->ledger.id_of(slot));
}

std::optional<blob_place> blob_index::find(const digest& id) {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->ledger.find(id);
  if (slot == 0)
    return std::nullopt;
  impl_->ledger.used(slot);
  return impl_->ledger.place_of(slot);
}

std::optional<blob_place> blob_index::place(const digest& id) const {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->ledger.find(id);
  return slot == 0 ? std::nullopt : std::optional(impl_->ledger.place_of(slot));
}

std::vector<std::size_t> blob_index::promise(std::span<const digest> ids, store_seconds now,
                                             store_seconds until) {
  std::vector<std::size_t> missing;
  const std::lock_guard lock(impl_->guard);
  impl_->ledger.release_expired(now); // `stats` tells what can not go
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (const auto slot = impl_->ledger.find(ids[i]); slot != 0) {
      impl_->ledger.used(slot);
      if (impl_->ledger.promise(slot, now, until) && impl_->notes.size() < max_promise_notes)
        impl_->notes.push_back(impl_->ledger.note_of(slot));
    } else if (!ids[i].is_empty_blob()) {
      missing.push_back(i);
    }
  }
  return missing;
}

bool blob_index::keep(const digest& id) {
  if (id.is_empty_blob())
    return true;
  const auto& given = impl_->given;
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->ledger.find(id);
  if (slot == 0)
    return false;
  const auto now = given.clock();
  impl_->ledger.promise(slot, now, now + given.grace); // too short for a note
  return true;
}

std::uint32_t blob_index::stamp(const digest& id) const {
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.stamp(id);
}

index_stats blob_index::stats() const {
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.stats();
}

std::size_t blob_index::memory() const {
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.memory();
}

void blob_index::for_each(const std::function<void(const digest&, blob_place)>& visit) const {
  std::vector<victim> some;
  for (blob_slot next = 1;;) {
    some.clear();
    {
      const std::lock_guard lock(impl_->guard);
      const auto end = impl_->ledger.end();
      for (; next < end && some.size() < slots_at_once; ++next)
        if (impl_->ledger.is_stored(next))
          some.push_back(impl_->ledger.entry_of(next));
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
      from = std::uint64_t{impl_->ledger.end()} << 32 | 1;
    auto next = static_cast<blob_slot>(from);
    const auto last = static_cast<blob_slot>(from >> 32);
    const auto end = std::min<std::size_t>(last, next + slots_at_once);
    for (; next < end && some.size() < count; ++next)
      if (impl_->ledger.is_stored(next))
        some.push_back(impl_->ledger.id_of(next));
    from = std::uint64_t{last} << 32 | next;
    more = next < last;
  }
  return some;
}

// ---- what backends tell ------------------------------------------------------------------------

std::optional<blob_index::victim> blob_index::add(const digest& id, blob_place place,
                                                  std::uint32_t stamp) {
  const auto& given = impl_->given;
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.add(id, place, stamp, given.grace > 0 ? given.clock() + given.grace : 0);
}

bool blob_index::add_found(const digest& id, blob_place place, std::uint32_t stamp) {
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.add_found(id, place, stamp);
}

std::optional<blob_index::victim> blob_index::replace_older(const digest& id, blob_place place,
                                                            std::uint32_t stamp) {
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.replace_older(id, place, stamp);
}

void blob_index::set_stamp(const digest& id, std::uint32_t stamp) {
  const std::lock_guard lock(impl_->guard);
  impl_->ledger.set_stamp(id, stamp);
}

bool blob_index::move(const digest& id, blob_place from, blob_place to) {
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.move(id, from, to);
}

std::optional<blob_index::victim> blob_index::remove(const digest& id, blob_place place) {
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.remove(id, place);
}

// ---- what a restart must not forget ------------------------------------------------------------

std::vector<blob_index::promise_note> blob_index::take_promises() {
  const std::lock_guard lock(impl_->guard);
  return std::exchange(impl_->notes, {});
}

std::vector<blob_index::promise_note> blob_index::all_promises() const {
  std::vector<promise_note> all;
  for (blob_slot next = 1;;) {
    const std::lock_guard lock(impl_->guard);
    const auto end = std::min<std::size_t>(impl_->ledger.end(), next + slots_at_once);
    if (next >= end)
      break;
    for (; next < end; ++next)
      if (impl_->ledger.was_promised(next))
        all.push_back(impl_->ledger.note_of(next));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.until < b.until; });
  return all;
}

void blob_index::restore(std::span<const promise_note> notes) {
  const auto usual = std::max(impl_->given.usual_promise, least_believed);
  const auto latest = impl_->given.clock() + usual + usual / 10;
  const std::lock_guard lock(impl_->guard);
  for (auto x : notes) {
    x.until = std::min(x.until, latest);
    impl_->ledger.restore(x);
  }
}

// ---- making room -------------------------------------------------------------------------------

std::vector<blob_index::victim> blob_index::choose_victims(std::int64_t bytes, std::size_t count,
                                                           store_seconds now) {
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.choose_victims(bytes, count, now);
}

std::optional<blob_index::victim> blob_index::doom(const digest& id) {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->ledger.find(id);
  return slot == 0 ? std::nullopt : std::optional(impl_->ledger.doom(slot));
}

std::optional<blob_index::victim> blob_index::doom(const digest& id, blob_place place) {
  const std::lock_guard lock(impl_->guard);
  const auto slot = impl_->ledger.find_at(id, place);
  return slot == 0 ? std::nullopt : std::optional(impl_->ledger.doom(slot));
}

bool blob_index::is_doomed(const digest& id) const {
  const std::lock_guard lock(impl_->guard);
  return impl_->ledger.is_doomed(id);
}

} // namespace expbuild
