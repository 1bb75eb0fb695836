#pragma once
#include "storage/disk/disk_file.hpp"

#include <atomic>
#include <cstdint>

namespace expbuild {

/// The rooms of a store on a disk:
///
///     blobs/        blobs in files of their own: whole, verified and synced (at the store's level)
///     pending/      the same, but not synced yet
///     segments/     small blobs, packed
///     promises/     who was promised what
///     links/        copies of small and of compressed blobs, and executable ones, to be linked
///     quarantine/   what turned out to be damaged: for people to look at
///     tmp/          being written
///     trash/        on its way out
///
/// What a new process does not need from the last one (links, tmp) is thrown into the trash at
/// once, however much it is, and emptied later.
struct store_folders {
  disk_folder root;
  disk_folder blobs;
  disk_folder pending;
  disk_folder segments;
  disk_folder promises;
  disk_folder links;
  disk_folder quarantine;
  disk_folder tmp;
  disk_folder trash;

  static absl::StatusOr<store_folders> open(disk_folder root);

  /// Removes what is in the trash. `go_on` is asked between files.
  absl::Status empty_trash(const std::function<bool()>& go_on) const;
};

} // namespace expbuild
