#pragma once
#include "storage/backend.hpp"
#include "storage/digest.hpp"
#include "storage/durability.hpp"

#include <absl/status/statusor.h>

#include <filesystem>
#include <memory>

namespace expbuild {

/// The seam below the action cache: ActionResults by action digest. May block on a disk; safe
/// from any number of threads. Whether a result is complete is decided above (action_cache).
class result_store {
public:
  virtual ~result_store() = default;

  /// NOT_FOUND when there is none; a record that is torn or damaged counts as none and is removed.
  virtual absl::StatusOr<reapi::ActionResult> get(const digest& action) = 0;

  /// Replaces what was there, atomically: a reader sees the old record or the new one.
  virtual absl::Status put(const digest& action, const reapi::ActionResult& result) = 0;

  virtual absl::Status remove(const digest& action) = 0;

  /// What was put before survives a power cut, unless nothing does here.
  virtual absl::Status flush() { return absl::OkStatus(); }
};

struct filesystem_result_store_options {
  /// Created with mode 0700 when absent. Records lie in ROOT/segments.
  std::filesystem::path root;
  durability level = durability::grouped;
  /// The results that were not used for longest go when there are more.
  std::int64_t max_bytes = std::int64_t{10} << 30;
  store_events events = {};
  /// False, for tests: what is on the disk is read before the maker returns, and only `flush` syncs
  /// and makes room.
  bool background = true;
  std::shared_ptr<disk_calls> calls = {}; ///< null: the kernel's
};

/// Records in segments: magic, version, length and SHA-256 of the payload, then the ActionResult.
/// Never a bare protobuf: an empty one would parse as "success, no outputs".
absl::StatusOr<std::shared_ptr<result_store>>
make_filesystem_result_store(filesystem_result_store_options options);

std::shared_ptr<result_store> make_memory_result_store();

} // namespace expbuild
