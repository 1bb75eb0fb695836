#pragma once
#include "storage/blob_index.hpp"
#include "storage/blob_table.hpp"
#include "storage/eviction_order.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace expbuild {

/// What a `blob_index` knows, for one thread: which blobs are stored and which are about to go, in
/// which order they go, and what all of them take. Keeps table, order and sums in step: an entry
/// counts exactly while it is not doomed. Plain data, no clock.
class blob_ledger {
public:
  using entry = blob_index::victim;
  using promise_note = blob_index::promise_note;

  /// See `eviction_order`; `restores`: see `blob_index::options`.
  blob_ledger(std::int64_t max_bytes, store_seconds usual_promise, bool restores = true)
      : table_(restores), order_(table_, max_bytes, usual_promise) {}
  blob_ledger(const blob_ledger&) = delete;
  blob_ledger& operator=(const blob_ledger&) = delete;

  // ---- asking ----

  /// 0 when it is not stored, or about to go.
  blob_slot find(const digest& id) const;
  blob_slot find_hash(digest_function function, std::string_view raw_hash) const;
  /// 0 also when it does not lie there.
  blob_slot find_at(const digest& id, blob_place place) const;

  bool is_doomed(const digest& id) const;

  /// Also of one that is about to go; 0 when there is none.
  std::uint32_t stamp(const digest& id) const;

  index_stats stats() const;
  std::size_t memory() const { return table_.memory() + order_.memory(); }

  // Of an entry that exists.
  digest id_of(blob_slot slot) const { return table_.digest_of(slot); }
  blob_place place_of(blob_slot slot) const;
  entry entry_of(blob_slot slot) const;
  promise_note note_of(blob_slot slot) const;

  // For walking over all: slots are from 1 to below `end`, and not each is an entry.
  blob_slot end() const noexcept { return table_.end(); }
  bool is_stored(blob_slot slot) const;
  /// Doomed or not.
  bool was_promised(blob_slot slot) const;

  // ---- coming, moving, going: as the functions of `blob_index` ----

  /// A new one stays until `keep_until` at least; 0: no longer than its turn.
  std::optional<entry> add(const digest& id, blob_place place, std::uint32_t stamp,
                           store_seconds keep_until);
  bool add_found(const digest& id, blob_place place, std::uint32_t stamp);
  std::optional<entry> replace_older(const digest& id, blob_place place, std::uint32_t stamp);
  void set_stamp(const digest& id, std::uint32_t stamp);
  bool move(const digest& id, blob_place from, blob_place to);
  std::optional<entry> remove(const digest& id, blob_place place);

  /// It is about to go: not found and not counted any more.
  entry doom(blob_slot slot);
  /// Dooms those that go first.
  std::vector<entry> choose_victims(std::int64_t bytes, std::size_t count, store_seconds now);

  // ---- use and promises: see `eviction_order` ----

  void used(blob_slot slot) { order_.used(slot); }
  void release_expired(store_seconds now) { order_.release_expired(now); }
  bool promise(blob_slot slot, store_seconds now, store_seconds until) {
    return order_.promise(slot, now, until);
  }
  /// What an earlier process wrote down of some blob, if it is here and promised no longer than
  /// that.
  void restore(const promise_note& x);

private:
  void count(const blob_entry& x, int sign);
  void uncount_unless_doomed(blob_slot slot);
  entry mark_doomed(blob_slot slot);
  void settle(blob_slot slot, blob_place place, std::uint32_t stamp);

  blob_table table_;
  eviction_order order_;
  index_stats sums_;
};

} // namespace expbuild
