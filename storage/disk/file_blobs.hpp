#pragma once
#include "storage/backend.hpp"
#include "storage/disk/blob_files.hpp"
#include "storage/disk/unsynced_age.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace expbuild {

/// Blobs in files of their own, as the index knows them. Blocks; safe from any number of threads.
class file_blobs {
public:
  struct options {
    durability level = durability::grouped;
    store_events events;
    /// Files wait for a sync: one is due soon, or at once.
    std::function<void(bool at_once)> sync_due;
    /// When the oldest pending file waits for longer, writers sync their own; 0: never.
    std::chrono::milliseconds max_age{0};
  };

  file_blobs(blob_index& index, const store_folders& folders, options given)
      : index_(index), files_(folders), options_(std::move(given)) {}

  /// Verified: hashed now, unless this process wrote the file or hashed it before and nobody wrote
  /// to it since. NOT_FOUND also when it is damaged; then it is in quarantine. `place` is what the
  /// index says.
  absl::StatusOr<blob_file> open(const digest& id, blob_place place);

  /// As `open`, but hashed now in any case.
  absl::Status scrub(const digest& id, blob_place place);

  /// Where it lies, if there is a file that may be it: nothing but its size is looked at, as of
  /// those that earlier processes left; `open` hashes it.
  std::optional<blob_place> look_for(const digest& id);

  absl::StatusOr<temporary_file> make_temporary() const { return files_.make_temporary(); }

  /// Publishes verified bytes: for good, or (`grouped`) as pending. What is there already in
  /// another form stays.
  absl::Status publish(temporary_file file, const digest& id, stored_as form);

  /// Syncs what is pending and gives it its place for good. What can not be synced is given up.
  absl::Status settle();

  /// Tells the index what earlier processes left; pending ones are settled by the next `settle`.
  /// Either may be called again after an error: not all of it was seen.
  absl::Status load_pending();
  /// `look_at_them`: a name does not even mean that the size is right.
  absl::Status load(bool look_at_them);

  /// How many names have been removed so far: for `add_found`.
  std::uint64_t removals() const { return removals_; }
  /// Tells the index of a file that was seen when there had been so many removals; when there were
  /// more since, it looks for the file again. False: it is gone, or known already.
  bool add_found(const digest& id, blob_place place, std::uint32_t stamp, std::uint64_t removals);

  /// Removes those that are in files, except what was stored again meanwhile.
  absl::Status evict(const blob_index::victim& victim);

  absl::Status remove(const digest& id);

  /// This file of it, which is open, turned out to be damaged. When another lies there by now, that
  /// one stays.
  void lose(const digest& id, const blob_file& file, const absl::Status& why);

  absl::Status link(const digest& id, int dirfd, const std::string& name) {
    return files_.link(id, dirfd, name);
  }

private:
  absl::StatusOr<blob_file> open_verified(const digest& id, blob_place place, bool always);
  absl::StatusOr<blob_file> verified(found_file found, const digest& id, bool always);
  void lose_file(const digest& id, stored_as form, std::uint32_t stamp, const absl::Status& why);
  void lose_absent(const digest& id, stored_as form, const absl::Status& why);
  void give_up_pending(const digest& id, std::uint32_t stamp, const absl::Status& why);
  absl::StatusOr<std::optional<blob_place>> place_at_start(const digest& id, stored_as form,
                                                           bool looks);
  void drop_twin(const digest& id, stored_as form);
  absl::Status stays_pending(const digest& id, const absl::Status& why);
  std::vector<digest> settle_some(std::span<const digest> ids, absl::Status& first);
  absl::StatusOr<bool> settle_one(const digest& id, absl::StatusOr<found_file> found);
  std::mutex& guard_of(const digest& id);
  absl::Status publish_for_good(temporary_file file, const digest& id, stored_as form);
  bool has_another_form(const digest& id, stored_as form) const;
  absl::Status add(const digest& id, blob_place place, std::uint32_t stamp);

  blob_index& index_;
  blob_files files_;
  const options options_;

  /// One name is published, settled or removed at a time, together with what the index says of it.
  std::array<std::mutex, 64> name_guards_;
  std::atomic<std::uint64_t> removals_{0}; ///< counted under the name's guard, when it is gone

  std::mutex pending_guard_;
  std::vector<digest> pending_;
  std::int64_t pending_bytes_ = 0;
  unsynced_age age_;
};

} // namespace expbuild
