#include "storage/blob_table.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace expbuild {

namespace {

constexpr std::size_t first_part_size = 16;
constexpr std::size_t inline_bytes = sizeof(blob_entry::hash);

/// Nobody outside can know where a hash lands, so nobody can make many land together.
std::uint64_t random_odd_number() {
  std::random_device source;
  return (std::uint64_t{source()} << 32 | source()) | 1;
}

/// Every bit of it depends on all bits of both.
std::uint64_t folded(std::uint64_t a, std::uint64_t b) {
  __extension__ using wide = unsigned __int128;
  const auto product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

} // namespace

blob_table::blob_table(bool finds_prefixes)
    : seed_(random_odd_number()), finds_prefixes_(finds_prefixes) {}

std::uint64_t blob_table::mixed(std::uint64_t prefix) const {
  const auto x = prefix * seed_;
  return x ^ x >> 32;
}

std::uint64_t blob_table::mixed(std::string_view raw_hash) const {
  std::uint64_t word = 0;
  if (finds_prefixes_) {
    std::memcpy(&word, raw_hash.data(), sizeof word);
    return mixed(word);
  }
  auto mix = seed_;
  for (; !raw_hash.empty(); raw_hash.remove_prefix(std::min(raw_hash.size(), sizeof word))) {
    word = 0;
    std::memcpy(&word, raw_hash.data(), std::min(raw_hash.size(), sizeof word));
    mix = folded(mix ^ word, seed_);
  }
  return mix;
}

std::uint64_t blob_table::mixed_of(blob_slot slot) const {
  return finds_prefixes_ ? mixed(prefix_of(at(slot))) : mixed(raw_hash_of(slot));
}

std::uint64_t blob_table::prefix_of(const blob_entry& x) {
  std::uint64_t prefix = 0;
  std::memcpy(&prefix, x.hash.data(), sizeof prefix);
  return prefix;
}

bool blob_table::is(blob_slot slot, digest_function function, std::string_view raw_hash) const {
  const auto& x = at(slot);
  const auto here = std::min(raw_hash.size(), inline_bytes);
  if (x.function != static_cast<std::uint64_t>(function)
      || std::memcmp(x.hash.data(), raw_hash.data(), here) != 0)
    return false;
  return raw_hash.size() <= inline_bytes || tails_.at(slot) == raw_hash.substr(inline_bytes);
}

std::size_t blob_table::first_place(const part& x, std::uint64_t mix) {
  return (mix >> 8) & (x.slots.size() - 1);
}

template <class Test>
blob_slot blob_table::first_that(std::uint64_t mix, Test test) const {
  const auto& x = parts_[mix % part_count];
  if (x.slots.empty())
    return 0;
  for (auto i = first_place(x, mix); x.slots[i] != 0; i = (i + 1) & (x.slots.size() - 1))
    if (test(x.slots[i]))
      return x.slots[i];
  return 0;
}

blob_slot blob_table::find_hash(digest_function function, std::string_view raw_hash) const {
  return first_that(mixed(raw_hash), [&](blob_slot x) { return is(x, function, raw_hash); });
}

blob_slot blob_table::find_prefix(std::uint64_t prefix) const {
  if (!finds_prefixes_)
    return 0;
  return first_that(mixed(prefix), [&](blob_slot x) { return prefix_of(at(x)) == prefix; });
}

bool blob_table::is(const digest& id, blob_slot slot) const {
  return at(slot).size == static_cast<std::uint64_t>(id.size_bytes())
         && is(slot, id.function(), id.raw_hash());
}

blob_slot blob_table::find(const digest& id) const {
  return first_that(mixed(id.raw_hash()), [&](blob_slot x) { return is(id, x); });
}

std::size_t blob_table::probes(const digest& id) const {
  std::size_t count = 0;
  first_that(mixed(id.raw_hash()), [&](blob_slot x) { return ++count, is(id, x); });
  return count;
}

void blob_table::place(part& x, std::uint64_t mix, blob_slot slot) {
  auto i = first_place(x, mix);
  while (x.slots[i] != 0)
    i = (i + 1) & (x.slots.size() - 1);
  x.slots[i] = slot;
}

void blob_table::grow(part& x) {
  const auto old = std::move(x.slots);
  x.slots.assign(old.empty() ? first_part_size : 2 * old.size(), 0);
  for (const auto slot : old)
    if (slot != 0)
      place(x, mixed_of(slot), slot);
}

blob_slot blob_table::new_slot() {
  if (free_ != 0) {
    const auto slot = free_;
    free_ = at(slot).next;
    return slot;
  }
  if (end_ / block_size >= blocks_.size())
    blocks_.push_back(std::make_unique<blob_entry[]>(block_size));
  return end_++;
}

blob_slot blob_table::insert(const digest& id) {
  const auto raw = id.raw_hash();
  const auto mix = mixed(raw);
  auto& x = parts_[mix % part_count];
  if (5 * (x.used + 1) > 4 * x.slots.size())
    grow(x);
  const auto slot = new_slot();
  auto& entry = at(slot);
  entry = blob_entry{};
  std::memcpy(entry.hash.data(), raw.data(), std::min(raw.size(), inline_bytes));
  entry.size = static_cast<std::uint64_t>(id.size_bytes());
  entry.function = static_cast<std::uint64_t>(id.function());
  entry.taken = 1;
  if (raw.size() > inline_bytes)
    tails_.emplace(slot, raw.substr(inline_bytes));
  place(x, mix, slot);
  ++x.used;
  ++size_;
  return slot;
}

/// Closes the gap, so that no chain of probes is cut.
void blob_table::erase(blob_slot slot) {
  const auto mix = mixed_of(slot);
  auto& x = parts_[mix % part_count];
  const auto mask = x.slots.size() - 1;
  auto gap = first_place(x, mix);
  while (x.slots[gap] != slot)
    gap = (gap + 1) & mask;
  for (auto i = (gap + 1) & mask; x.slots[i] != 0; i = (i + 1) & mask) {
    const auto wanted = first_place(x, mixed_of(x.slots[i]));
    if (((i - wanted) & mask) < ((i - gap) & mask))
      continue; // it lies between the gap and where it is looked for
    x.slots[gap] = x.slots[i];
    gap = i;
  }
  x.slots[gap] = 0;
  --x.used;
  --size_;
  tails_.erase(slot);
  at(slot) = blob_entry{};
  at(slot).next = free_;
  free_ = slot;
}

std::string blob_table::raw_hash_of(blob_slot slot) const {
  const auto& x = at(slot);
  const auto length = hash_length(static_cast<digest_function>(x.function));
  std::string raw(x.hash.data(), std::min(length, inline_bytes));
  if (length > inline_bytes)
    raw.append(tails_.at(slot));
  return raw;
}

digest blob_table::digest_of(blob_slot slot) const {
  const auto& x = at(slot);
  return digest(static_cast<digest_function>(x.function), raw_hash_of(slot),
                static_cast<std::int64_t>(x.size));
}

std::size_t blob_table::memory() const {
  auto bytes = blocks_.size() * block_size * sizeof(blob_entry);
  for (const auto& x : parts_)
    bytes += x.slots.capacity() * sizeof(blob_slot);
  return bytes + tails_.size() * 128;
}

} // namespace expbuild
