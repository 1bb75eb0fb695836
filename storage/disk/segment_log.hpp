#pragma once
#include "storage/disk/move_gate.hpp"
#include "storage/disk/segment_file.hpp"
#include "storage/disk/segment_loader.hpp"
#include "storage/disk/unsynced_age.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

namespace expbuild {

struct segment_log_options {
  /// A segment is full when it is so large. At most 2 GiB.
  std::int64_t segment_bytes = std::int64_t{64} << 20;
  /// False: nothing is ever synced.
  bool sync = true;
  /// When the oldest unsynced record waits for longer, whoever appends syncs; 0: never.
  std::chrono::milliseconds max_age{0};
  /// Is this payload the key's? Asked for what nothing else vouches for: the last segments of a
  /// process that did not end well.
  std::function<bool(const digest& key, std::string_view payload)> whole;
  /// These could not be synced: it is as if they had never been appended.
  std::function<void(std::span<const std::pair<digest, blob_place>>)> lost;
};

/// Small things by key in a few large files that are only ever appended to: many records in one
/// write, and many writes in one sync. What is no longer wanted is waste, until a segment with much
/// waste is copied and removed.
///
/// Who knows where a key lies is the caller's index. Blocks; safe from any number of threads.
class segment_log {
public:
  static absl::StatusOr<std::unique_ptr<segment_log>> open(disk_folder folder,
                                                           segment_log_options options);

  /// Tells what the segments of earlier processes hold. May run beside everything else.
  void load(const segment_listener& into) { loader_.load(into); }

  // ---- records ----

  /// Where they lie, in their order. They can be read at once; they survive a power cut after the
  /// next `sync`.
  absl::StatusOr<std::vector<blob_place>> append(std::span<const segment_record> records);

  /// Everything appended before has reached the disk. Callers at the same time share one sync. An
  /// error means that it is lost, and was told so.
  absl::Status sync();

  /// How often that failed by now.
  std::uint64_t failures() const noexcept { return failure_count_; }

  /// Everything is synced and listed: the next process need not read the segments. Later appends
  /// begin a new one.
  absl::Status close();

  /// The payload. `payload`: how long it is, or a guess. NOT_FOUND when something else lies there
  /// (it was moved meanwhile: look into the index again), DATA_LOSS when it is damaged.
  absl::StatusOr<std::string> read(blob_place place, const digest& key, std::int64_t payload) const;

  /// The record with a payload of that length at `place` is waste.
  void wasted(blob_place place, const digest& key, std::int64_t payload);

  // ---- room ----

  /// Of all segments, waste included.
  std::int64_t bytes() const { return table_.bytes(); }

  /// The full segment of which the largest part is waste, if that is `part` or more; else 0.
  std::uint32_t most_wasted(double part) const { return table_.most_wasted(part); }

  struct mover {
    std::function<bool(const digest& key, blob_place place)> is_wanted;
    /// False: nobody wants it any more.
    std::function<bool(const digest& key, blob_place from, blob_place to)> moved;
    std::function<void(const digest& key, blob_place place, const absl::Status& why)> unreadable;
    /// While it is held, what was appended is known to `is_wanted`, and nothing else is appended
    /// whose place that does not know.
    std::function<move_gate::closed()> close_gate = [] { return move_gate::closed(); };
  };

  /// Copies what is wanted of a segment to the end of the log, syncs that, and removes the segment.
  absl::Status compact(std::uint32_t number, const mover& with);

private:
  struct unsynced {
    std::uint64_t up_to = 0; ///< appends
    std::uint32_t active = 0;
    bool new_segment = false; ///< the folder must be synced, too
    segment_table::sizes segments;
    std::vector<std::pair<digest, blob_place>> records;
  };
  struct failure {
    std::uint64_t from; ///< appends
    std::uint64_t up_to;
    absl::Status status;
  };

  segment_log(disk_folder folder, segment_log_options options)
      : folder_(std::move(folder)), options_(std::move(options)),
        loader_(folder_, table_, options_.whole, options_.sync) {}

  absl::Status find_segments();
  absl::StatusOr<std::shared_ptr<segment_file>> writable(std::int64_t bytes);
  unsynced take_unsynced();
  absl::Status sync_all(const unsynced& what);
  void note_appended(std::span<const segment_record> records, const std::vector<blob_place>& places,
                     std::int64_t size);
  void finish_segment(std::uint32_t number);
  std::uint64_t give_up(unsynced what);

  absl::Status for_each_item(std::uint32_t number, const segment_list::visitor& visit) const;
  absl::Status remove_segment(std::uint32_t number);

  const disk_folder folder_;
  const segment_log_options options_;

  segment_table table_;
  segment_loader loader_;

  std::mutex append_guard_;  ///< one append at a time
  std::uint32_t active_ = 0; ///< 0: the next append makes one
  std::uint32_t last_number_ = 0;
  std::uint64_t appends_ = 0;
  unsynced unsynced_;
  std::int64_t unsynced_bytes_ = 0;
  unsynced_age age_;
  bool new_segment_ = false;

  std::mutex sync_guard_;
  std::condition_variable synced_change_;
  bool syncing_ = false;
  std::uint64_t synced_ = 0; ///< appends
  std::deque<failure> failures_;
  std::atomic<std::uint64_t> failure_count_{0};
};

} // namespace expbuild
