#pragma once
#include "storage/blob_place.hpp"
#include "storage/digest.hpp"
#include "storage/store_clock.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace expbuild {

struct index_stats {
  std::uint64_t blobs = 0;
  std::int64_t bytes = 0;        ///< sum of the blobs' sizes
  std::int64_t file_bytes = 0;   ///< what those in files of their own take of the disk
  std::int64_t packed_bytes = 0; ///< what those in segments take of them
  std::uint64_t files = 0;
  std::int64_t promised_bytes = 0; ///< taken by those that can not be evicted now
};

/// What is stored, where, until when it is promised to somebody, and what may go first. The disk is
/// the authority: a backend keeps this true, and what turns out to be wrong is corrected at once.
///
/// What goes first is decided by S3-FIFO (Yang et al., "FIFO queues are all you need for cache
/// eviction", SOSP 2023) among the blobs that are promised to nobody: new ones wait in a small
/// queue, and only what is used again while it is there (or soon after it has gone) gets into the
/// main queue. A burst of uploads that nobody asks for again leaves first.
///
/// 64 bytes a blob and some ten for finding it. All functions are safe on any thread, and take well
/// under a microsecond a blob.
class blob_index {
public:
  struct options {
    std::int64_t max_bytes = 0; ///< what the small queue may take a tenth of
    store_seconds usual_promise = 3 * 3600;
    /// For so long a new blob stays: until whoever stored it was promised it.
    store_seconds grace = 60;
    store_clock clock = make_store_clock();
    /// Whether `restore` is called, which looks blobs up by the first 8 bytes of their hashes.
    /// False where clients choose the digests that things are stored by: any of them are found as
    /// fast.
    bool restores = true;
  };

  explicit blob_index(options given);
  ~blob_index();
  blob_index(const blob_index&) = delete;
  blob_index& operator=(const blob_index&) = delete;

  /// An entry as it was.
  struct victim {
    digest id;
    blob_place place;
    std::uint32_t stamp = 0;
    store_seconds promised_until = 0; ///< 0: it never was
  };

  // ---- asking ----

  /// False also for a blob that is about to go. The empty blob is everywhere.
  bool contains(const digest& id) const;

  /// The one blob with this hash, whatever its size.
  std::optional<digest> find_hash(digest_function function, std::string_view raw_hash) const;

  /// Where it lies; counts as a use.
  std::optional<blob_place> find(const digest& id);

  /// The same, and no use of it.
  std::optional<blob_place> place(const digest& id) const;

  /// That is where it lies. No use of it.
  bool lies_at(const digest& id, blob_place here) const { return place(id) == here; }

  /// Of those present: promised until `until` at least, used once more. The others are answered, by
  /// their place in `ids`. Check and promise are one step.
  std::vector<std::size_t> promise(std::span<const digest> ids, store_seconds now,
                                   store_seconds until);

  /// It stays for the grace time at least, as if it were stored now. False when it is not here. No
  /// use of it.
  bool keep(const digest& id);

  /// Of a blob in a file: which file was stored or verified, 0 for none since the start. Of one in
  /// a segment: the length of its record's payload. 0 when it is not here.
  std::uint32_t stamp(const digest& id) const;

  index_stats stats() const;

  /// What the index itself takes, in bytes.
  std::size_t memory() const;

  /// Calls `visit` for every blob that is present, without a lock held.
  void for_each(const std::function<void(const digest&, blob_place)>& visit) const;

  /// Some of those present, at most `count`, from `from` on, which moves: begin with 0. None: that
  /// was all. What is present all the while is listed once.
  std::vector<digest> list(std::uint64_t& from, std::size_t count) const;

  // ---- what backends tell ----

  /// It lies here now. Answers where it lay before, if it did.
  std::optional<victim> add(const digest& id, blob_place place, std::uint32_t stamp);

  /// As `add`, unless it is known: found on the disk at start.
  bool add_found(const digest& id, blob_place place, std::uint32_t stamp);

  /// Found on the disk, too, and it is in a newer segment: it counts instead. Answers what lay
  /// there before, or nothing when that is newer.
  std::optional<victim> replace_older(const digest& id, blob_place place, std::uint32_t stamp);

  void set_stamp(const digest& id, std::uint32_t stamp);

  /// True when it lay at `from`: now it lies at `to`.
  bool move(const digest& id, blob_place from, blob_place to);

  /// It is gone, if it lay at `place`. Answers the entry as it was.
  std::optional<victim> remove(const digest& id, blob_place place);

  // ---- what a restart must not forget ----

  /// A blob (by the first 8 bytes of its hash), how often it was used, and until when it was
  /// promised.
  struct promise_note {
    std::uint64_t prefix = 0;
    std::uint32_t uses = 0;
    store_seconds until = 0;
  };

  /// The promises that were made since the last call; at most `max_promise_notes`, the rest is not
  /// noted.
  std::vector<promise_note> take_promises();

  /// Those of all blobs, in the order of their ends.
  std::vector<promise_note> all_promises() const;

  /// In the order of their ends, too: blobs used lately are evicted later. One that ends later than
  /// a usual promise of now, and than a day, was written while the system's clock ran ahead: it is
  /// cut to that.
  void restore(std::span<const promise_note> notes);

  // ---- making room ----

  /// Chooses blobs that nobody was promised, as many as take `bytes`, at most `count`. They are not
  /// found any more; `remove` forgets them, `add` brings them back. None: everything is promised.
  std::vector<victim> choose_victims(std::int64_t bytes, std::size_t count, store_seconds now);

  /// Chooses this one, promised or not.
  std::optional<victim> doom(const digest& id);

  /// The same, if that is where it lies.
  std::optional<victim> doom(const digest& id, blob_place place);

  /// Still about to go: it was not stored again meanwhile.
  bool is_doomed(const digest& id) const;

private:
  struct impl;
  const std::unique_ptr<impl> impl_;
};

inline constexpr std::size_t max_promise_notes = std::size_t{4} << 20;

} // namespace expbuild
