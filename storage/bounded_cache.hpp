#pragma once
#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace expbuild {

/// Values by key, as many as fit into a number of bytes; what was not used for longest goes first.
/// Plain data: one thread at a time.
template <class Key, class Value>
class bounded_cache {
public:
  /// 0: keeps nothing.
  explicit bounded_cache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Null when it is not here; valid until the next `put` or `erase`.
  const Value* find(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end())
      return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->value;
  }

  /// Takes the place of an older value. `bytes`: what the value needs beside its key and our own
  /// bookkeeping. One that alone is too large is not kept.
  void put(const Key& key, Value value, std::size_t bytes) {
    erase(key);
    bytes += overhead;
    if (bytes > max_bytes_)
      return;
    while (bytes_ + bytes > max_bytes_)
      drop(std::prev(entries_.end()));
    const auto at = by_key_.emplace(key, entries_.end()).first;
    entries_.push_front({&at->first, std::move(value), bytes});
    at->second = entries_.begin();
    bytes_ += bytes;
  }

  void erase(const Key& key) {
    if (const auto found = by_key_.find(key); found != by_key_.end())
      drop(found->second);
  }

  std::size_t size() const noexcept { return by_key_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

private:
  struct entry {
    const Key* key; // the map's
    Value value;
    std::size_t bytes;
  };
  using place = typename std::list<entry>::iterator;

  /// Nodes of list and map, and what malloc adds to each.
  static constexpr std::size_t overhead = sizeof(entry) + sizeof(Key) + 12 * sizeof(void*);

  void drop(place at) {
    bytes_ -= at->bytes;
    const auto found = by_key_.find(*at->key); // the key goes with the map's entry
    entries_.erase(at);
    by_key_.erase(found);
  }

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::list<entry> entries_; // the last used first
  std::unordered_map<Key, place> by_key_;
};

} // namespace expbuild
