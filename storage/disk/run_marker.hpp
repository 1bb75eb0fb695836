#pragma once
#include "storage/disk/disk_file.hpp"
#include "storage/durability.hpp"

namespace expbuild {

/// How the last process on a store ended.
struct last_run {
  bool ended_well = true;
  bool same_boot = true; ///< the machine has not been started anew since
  durability level = durability::grouped;

  /// What it wrote, but never synced, may not be what it wrote.
  bool may_have_torn() const { return !ended_well && !same_boot && level == durability::none; }
};

/// ROOT/RUNNING is there while a process works on a store.
class run_marker {
public:
  explicit run_marker(disk_folder root) : root_(std::move(root)) {}

  /// Says how the last one ended, and that this one runs.
  absl::StatusOr<last_run> begin(durability level) const;

  /// This one has ended well.
  absl::Status end() const;

private:
  const disk_folder root_;
};

} // namespace expbuild
