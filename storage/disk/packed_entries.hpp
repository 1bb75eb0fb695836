#pragma once
#include "storage/backend.hpp"
#include "storage/disk/move_gate.hpp"
#include "storage/disk/segment_log.hpp"

#include <memory>
#include <mutex>

namespace expbuild {

/// Small things by key: an index that knows where they lie, over segments that hold them. Blobs by
/// their digest, and results by that of their action. Blocks; safe from any number of threads.
class packed_entries {
public:
  struct options {
    disk_folder folder;
    durability level = durability::grouped;
    std::int64_t segment_bytes = std::int64_t{64} << 20;
    std::chrono::milliseconds max_age{0}; ///< see segment_log_options
    /// Are these the key's bytes?
    std::function<bool(const digest& key, std::string_view bytes)> whole;
    store_events events;
  };

  static absl::StatusOr<std::unique_ptr<packed_entries>> open(blob_index& index,
                                                              const options& given);

  /// Tells the index what earlier processes left; of one key what was stored last. See
  /// segment_listener for `trust_lists`.
  absl::Status load(bool trust_lists);

  /// The whole bytes of an entry; counts as a use. NOT_FOUND also when it was damaged, and is
  /// forgotten now.
  absl::StatusOr<std::string> read(const digest& key);

  struct placed {
    blob_place place;
    std::string bytes;
  };
  /// The same with where it lies, and no use of it.
  absl::StatusOr<placed> peek(const digest& key);

  /// The same at a place, where it may not lie any more, and no use of it.
  absl::Status check(const digest& key, blob_place place) { return read_at(key, place).status(); }

  /// Takes the place of what was there, which does not come back, whatever becomes of these. At
  /// level `strict` they have reached the disk then.
  absl::Status store(std::span<const named_bytes> entries);

  /// Stored entries that are not on the disk yet get there.
  absl::Status sync() { return log_->sync(); }

  /// The same at the end, so that the next start is quick.
  absl::Status close() { return log_->close(); }

  /// Forgets entries that the index chose to go. What they took is waste then.
  absl::Status evict(std::span<const blob_index::victim> victims);

  /// Copies and removes segments of which a part that large is waste, while `go_on`.
  absl::Status compact(const std::function<bool()>& go_on, double waste);

  /// Compacts what is half waste; when all waste together is more than `most_waste` bytes even so,
  /// also what is a fifth waste. One caller at a time, the others wait.
  absl::Status give_back_waste(const std::function<bool()>& go_on, std::int64_t most_waste);

  std::int64_t bytes() const { return log_->bytes(); }

private:
  packed_entries(blob_index& index, const options& given) : index_(index), options_(given) {}

  template <class Find>
  absl::StatusOr<placed> read_where(const digest& key, Find find);
  absl::StatusOr<std::string> read_at(const digest& key, blob_place place);
  void forget(const digest& key, blob_place place, const absl::Status& why);
  void wasted(const blob_index::victim& x);
  absl::Status forget_what_is_not_there(std::span<const named_bytes> entries,
                                        const std::vector<blob_place>& places);
  segment_log::mover mover();
  absl::Status append_removals(std::span<const blob_index::victim> gone);

  blob_index& index_;
  const options options_;
  std::unique_ptr<segment_log> log_;
  move_gate moves_;
  std::mutex give_back_guard_;
};

} // namespace expbuild
