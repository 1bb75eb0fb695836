#include "storage/blob_ledger.hpp"

#include <utility>

namespace expbuild {

// ---- asking ----------------------------------------------------------------------------------

blob_slot blob_ledger::find(const digest& id) const {
  const auto slot = table_.find(id);
  return slot != 0 && table_.at(slot).doomed == 0 ? slot : 0;
}

blob_slot blob_ledger::find_hash(digest_function function, std::string_view raw_hash) const {
  const auto slot = table_.find_hash(function, raw_hash);
  return slot != 0 && table_.at(slot).doomed == 0 ? slot : 0;
}

blob_slot blob_ledger::find_at(const digest& id, blob_place place) const {
  const auto slot = find(id);
  return slot != 0 && place_of(slot) == place ? slot : 0;
}

bool blob_ledger::is_doomed(const digest& id) const {
  const auto slot = table_.find(id);
  return slot != 0 && table_.at(slot).doomed != 0;
}

std::uint32_t blob_ledger::stamp(const digest& id) const {
  const auto slot = table_.find(id);
  return slot == 0 ? 0 : table_.at(slot).stamp;
}

index_stats blob_ledger::stats() const {
  auto x = sums_;
  x.promised_bytes = order_.promised_bytes();
  return x;
}

blob_place blob_ledger::place_of(blob_slot slot) const {
  const auto& x = table_.at(slot);
  return {x.segment, x.offset};
}

blob_ledger::entry blob_ledger::entry_of(blob_slot slot) const {
  const auto& x = table_.at(slot);
  return {table_.digest_of(slot), place_of(slot), x.stamp, x.promised_until};
}

blob_ledger::promise_note blob_ledger::note_of(blob_slot slot) const {
  const auto& x = table_.at(slot);
  return {blob_table::prefix_of(x), static_cast<std::uint32_t>(x.uses), x.promised_until};
}

bool blob_ledger::is_stored(blob_slot slot) const {
  const auto& x = table_.at(slot);
  return x.taken != 0 && x.doomed == 0;
}

bool blob_ledger::was_promised(blob_slot slot) const {
  const auto& x = table_.at(slot);
  return x.taken != 0 && x.promised_until != 0;
}

// ---- coming and moving -----------------------------------------------------------------------

void blob_ledger::count(const blob_entry& x, int sign) {
  sums_.blobs += sign;
  sums_.bytes += sign * static_cast<std::int64_t>(x.size);
  (x.segment == 0 ? sums_.file_bytes : sums_.packed_bytes) += sign * eviction_order::charge(x);
  sums_.files += x.segment == 0 ? sign : 0;
}

void blob_ledger::uncount_unless_doomed(blob_slot slot) {
  if (table_.at(slot).doomed == 0)
    count(table_.at(slot), -1);
}

void blob_ledger::settle(blob_slot slot, blob_place place, std::uint32_t stamp) {
  auto& x = table_.at(slot);
  x.segment = place.segment;
  x.offset = place.offset;
  x.stamp = stamp;
  x.doomed = 0;
  count(x, 1);
}

std::optional<blob_ledger::entry> blob_ledger::add(const digest& id, blob_place place,
                                                   std::uint32_t stamp, store_seconds keep_until) {
  std::optional<entry> before;
  auto slot = table_.find(id);
  if (slot == 0) {
    slot = table_.insert(id);
  } else {
    before = entry_of(slot);
    uncount_unless_doomed(slot);
    order_.take_out(slot);
  }
  settle(slot, place, stamp);
  order_.add(slot);
  if (keep_until > 0)
    order_.keep_until(slot, keep_until);
  return before;
}

bool blob_ledger::add_found(const digest& id, blob_place place, std::uint32_t stamp) {
  if (table_.find(id) != 0)
    return false;
  const auto slot = table_.insert(id);
  settle(slot, place, stamp);
  order_.add(slot);
  return true;
}

std::optional<blob_ledger::entry> blob_ledger::replace_older(const digest& id, blob_place place,
                                                             std::uint32_t stamp) {
  const auto slot = find(id);
  if (slot == 0)
    return std::nullopt;
  const auto before = entry_of(slot);
  if (std::pair(before.place.segment, before.place.offset)
      >= std::pair(place.segment, place.offset))
    return std::nullopt;
  count(table_.at(slot), -1);
  order_.take_out(slot);
  settle(slot, place, stamp);
  order_.add(slot);
  return before;
}

void blob_ledger::set_stamp(const digest& id, std::uint32_t stamp) {
  if (const auto slot = table_.find(id); slot != 0)
    table_.at(slot).stamp = stamp;
}

bool blob_ledger::move(const digest& id, blob_place from, blob_place to) {
  const auto slot = find_at(id, from);
  if (slot == 0)
    return false;
  count(table_.at(slot), -1);
  settle(slot, to, table_.at(slot).stamp);
  return true;
}

void blob_ledger::restore(const promise_note& x) {
  if (const auto slot = table_.find_prefix(x.prefix);
      slot != 0 && table_.at(slot).promised_until < x.until)
    order_.restore(slot, x.uses, x.until);
}

// ---- going -----------------------------------------------------------------------------------

std::optional<blob_ledger::entry> blob_ledger::remove(const digest& id, blob_place place) {
  const auto slot = table_.find(id);
  if (slot == 0 || !(place_of(slot) == place))
    return std::nullopt;
  const auto before = entry_of(slot);
  uncount_unless_doomed(slot);
  order_.take_out(slot);
  table_.erase(slot);
  return before;
}

blob_ledger::entry blob_ledger::mark_doomed(blob_slot slot) {
  count(table_.at(slot), -1);
  table_.at(slot).doomed = 1;
  return entry_of(slot);
}

blob_ledger::entry blob_ledger::doom(blob_slot slot) {
  order_.take_out(slot);
  return mark_doomed(slot);
}

std::vector<blob_ledger::entry> blob_ledger::choose_victims(std::int64_t bytes, std::size_t count,
                                                            store_seconds now) {
  std::vector<entry> chosen;
  while (bytes > 0 && chosen.size() < count) {
    const auto slot = order_.next_victim(now); // which has taken it out
    if (slot == 0)
      break;
    chosen.push_back(mark_doomed(slot));
    bytes -= eviction_order::charge(table_.at(slot));
  }
  return chosen;
}

} // namespace expbuild
