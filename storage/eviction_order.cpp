#include "storage/eviction_order.hpp"

#include "storage/blob_index.hpp"
#include "storage/disk/segment_record.hpp"

#include <cstring>

namespace expbuild {

namespace {

constexpr std::size_t least_ghosts = 1024;
constexpr unsigned most_uses = 3;

} // namespace

eviction_order::eviction_order(blob_table& table, std::int64_t max_bytes, std::uint32_t usual)
    : table_(table), small_limit_(max_bytes / 10), usual_(usual), ghosts_(least_ghosts) {}

std::int64_t eviction_order::charge(const blob_entry& x) {
  return x.segment == 0 ? file_charge({x.segment, x.offset}, static_cast<std::int64_t>(x.size))
                        : record_size(static_cast<digest_function>(x.function), x.stamp);
}

void eviction_order::push(blob_slot slot, queue to) {
  auto& x = table_.at(slot);
  auto& q = queues_[to];
  x.queue = to;
  x.next = 0;
  x.previous = q.last;
  if (q.last != 0)
    table_.at(q.last).next = slot;
  else
    q.first = slot;
  q.last = slot;
  q.bytes += charge(x);
}

void eviction_order::take_out(blob_slot slot) {
  auto& x = table_.at(slot);
  if (x.queue == none)
    return;
  auto& q = queues_[x.queue];
  (x.previous != 0 ? table_.at(x.previous).next : q.first) = x.next;
  (x.next != 0 ? table_.at(x.next).previous : q.last) = x.previous;
  q.bytes -= charge(x);
  x.queue = none;
  x.next = x.previous = 0;
}

void eviction_order::add(blob_slot slot) {
  auto& x = table_.at(slot);
  x.home = remembers(x) ? main : small;
  x.uses = 0;
  push(slot, x.promised_until != 0 ? promised : static_cast<queue>(x.home));
}

void eviction_order::used(blob_slot slot) {
  auto& x = table_.at(slot);
  if (x.uses < most_uses)
    ++x.uses;
}

void eviction_order::restore(blob_slot slot, std::uint32_t uses, std::uint32_t until) {
  auto& x = table_.at(slot);
  take_out(slot);
  x.uses = std::min<std::uint32_t>(uses, most_uses);
  x.home = uses > 0 ? main : small;
  x.promised_until = until;
  push(slot, promised);
}

bool eviction_order::promise(blob_slot slot, std::uint32_t now, std::uint32_t until) {
  auto& x = table_.at(slot);
  if (until <= now || x.promised_until >= until)
    return false;
  x.promised_until = until + (until - now) / 10;
  take_out(slot);
  push(slot, until - now > usual_ ? pinned : promised);
  return true;
}

void eviction_order::keep_until(blob_slot slot, std::uint32_t until) {
  auto& x = table_.at(slot);
  x.promised_until = std::max(x.promised_until, until);
  take_out(slot);
  push(slot, promised);
}

/// They are in the order of their ends, more or less: one that stands behind a longer promise is
/// kept for longer than it was promised, which harms nobody.
void eviction_order::release_expired(queue from, std::uint32_t now) {
  for (auto slot = queues_[from].first; slot != 0; slot = queues_[from].first) {
    if (table_.at(slot).promised_until > now)
      return;
    take_out(slot);
    push(slot, static_cast<queue>(table_.at(slot).home));
  }
}

blob_slot eviction_order::next_victim(std::uint32_t now) {
  release_expired(now);
  for (;;) {
    auto& young = queues_[small];
    auto& old = queues_[main];
    if (young.first == 0 && old.first == 0)
      return 0;
    const bool look_at_young = young.first != 0 && (young.bytes > small_limit_ || old.first == 0);
    if (const auto slot = look_at_young ? from_small() : from_main(); slot != 0)
      return slot;
  }
}

blob_slot eviction_order::from_small() {
  const auto slot = queues_[small].first;
  auto& x = table_.at(slot);
  take_out(slot);
  if (x.uses < 2) {
    remember(x);
    return slot;
  }
  x.uses = 0;
  x.home = main;
  push(slot, main);
  return 0;
}

blob_slot eviction_order::from_main() {
  const auto slot = queues_[main].first;
  auto& x = table_.at(slot);
  take_out(slot);
  if (x.uses == 0)
    return slot;
  --x.uses;
  push(slot, main);
  return 0;
}

// ---- what was evicted --------------------------------------------------------------------------

std::uint64_t eviction_order::fingerprint(const blob_entry& x) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, x.hash.data() + 8, sizeof bits);
  return bits;
}

/// As many as there are blobs. A newer one takes the place of an older one.
void eviction_order::remember(const blob_entry& x) {
  if (table_.size() > 2 * ghosts_.size())
    ghosts_.assign(2 * ghosts_.size(), 0);
  const auto bits = fingerprint(x);
  ghosts_[(bits >> 32) % ghosts_.size()] = static_cast<std::uint32_t>(bits) | 1;
}

bool eviction_order::remembers(const blob_entry& x) const {
  const auto bits = fingerprint(x);
  return ghosts_[(bits >> 32) % ghosts_.size()] == (static_cast<std::uint32_t>(bits) | 1);
}

} // namespace expbuild
