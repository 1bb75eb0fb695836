#pragma once
#include "storage/blob_table.hpp"

#include <cstdint>
#include <vector>

namespace expbuild {

/// Who goes first: S3-FIFO (Yang et al., SOSP 2023) with a third queue for blobs that are promised.
///
///     new ──▶ small ──(used twice)──▶ main ──(not used)──▶ gone
///               └────(not used)─────▶ gone, and remembered for a while: when it comes back it
///                                     goes to main
///     promised: beside them, in the order of their promises; back home when the promise is over.
///               Those promised for longer than usual have a queue of their own, so that nobody
///               waits behind them
///
/// Works on the entries of a table, which it links together. Plain data, no clock: one thread at a
/// time.
class eviction_order {
public:
  /// The small queue may take a tenth of `max_bytes`. A usual promise is `usual` seconds long.
  eviction_order(blob_table& table, std::int64_t max_bytes, std::uint32_t usual);

  /// A new entry: into the small queue, or main when it was evicted not long ago.
  void add(blob_slot slot);

  /// Out of its queue, before it is erased or because it is doomed.
  void take_out(blob_slot slot);

  void used(blob_slot slot);

  /// As it was in an earlier process: used so often, last promised until then.
  void restore(blob_slot slot, std::uint32_t uses, std::uint32_t until);

  /// Not to be evicted until then. Only ever makes a promise longer: by a tenth more than asked
  /// for, so that asking often costs nothing. True when it did.
  bool promise(blob_slot slot, std::uint32_t now, std::uint32_t until);

  /// The same, exactly until then.
  void keep_until(blob_slot slot, std::uint32_t until);

  /// The next to go, taken out of its queue and remembered; 0 when all are promised.
  blob_slot next_victim(std::uint32_t now);

  /// Those whose promise is over go home, and are no more counted as promised.
  void release_expired(std::uint32_t now) {
    release_expired(promised, now);
    release_expired(pinned, now);
  }

  std::int64_t promised_bytes() const noexcept {
    return queues_[promised].bytes + queues_[pinned].bytes;
  }

  std::size_t memory() const { return ghosts_.capacity() * sizeof(std::uint32_t); }

  /// What a blob takes of the disk.
  static std::int64_t charge(const blob_entry& x);

private:
  enum queue : std::uint8_t { none, small, main, promised, pinned };
  struct list {
    blob_slot first = 0;
    blob_slot last = 0;
    std::int64_t bytes = 0;
  };

  void push(blob_slot slot, queue to);
  void release_expired(queue from, std::uint32_t now);
  blob_slot from_small();
  blob_slot from_main();
  void remember(const blob_entry& x);
  bool remembers(const blob_entry& x) const;
  static std::uint64_t fingerprint(const blob_entry& x);

  blob_table& table_;
  const std::int64_t small_limit_;
  const std::uint32_t usual_;
  list queues_[5];
  /// Fingerprints of what was evicted, each in the one place that its own bits say.
  std::vector<std::uint32_t> ghosts_;
};

} // namespace expbuild
