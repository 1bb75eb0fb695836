#pragma once
#include "storage/backend.hpp"
#include "storage/digest.hpp"
#include "storage/durability.hpp"
#include "storage/stored_result.hpp"

#include <absl/status/statusor.h>

#include <filesystem>
#include <memory>
#include <vector>

namespace expbuild {

/// How far a listing of results has come; made anew for each.
struct result_cursor {
  std::uint64_t next = 0;
  std::uint64_t end = 0;
};

/// The seam below the action cache: ActionResults by action digest. May block on a disk; safe
/// from any number of threads. Whether a result is complete, and whether it is too old, is decided
/// above (action_cache).
class result_store {
public:
  virtual ~result_store() = default;

  /// NOT_FOUND when there is none; a record that is torn or damaged counts as none and is removed.
  virtual absl::StatusOr<stored_result> get(const digest& action) = 0;

  /// The same, but it does not count as a use.
  virtual absl::StatusOr<stored_result> peek(const digest& action) = 0;

  /// Replaces what was there, atomically: a reader sees the old record or the new one. `origin` is
  /// kept with it, bounded.
  virtual absl::Status put(const digest& action, const reapi::ActionResult& result,
                           const result_origin& origin) = 0;

  virtual absl::Status remove(const digest& action) = 0;

  /// Removes this very record. False: it has been removed or replaced before.
  virtual absl::StatusOr<bool> remove_record(const digest& action, std::uint64_t serial) = 0;

  /// The actions of up to `count` more results. None: that was all. What is stored all the while is
  /// listed once; what is stored meanwhile, once, twice or not, but never without end.
  virtual std::vector<digest> list(result_cursor& from, std::size_t count) = 0;

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
  store_clock clock = make_store_clock();
};

/// Records in segments: magic, version, length and SHA-256 of the payload, then the StoredResult.
/// Never a bare protobuf: an empty one would parse as "success, no outputs".
///
/// A result of which nobody knows when it was stored, or that was stored when the system's time was
/// ahead of what it is now, counts as stored when this store was opened.
absl::StatusOr<std::shared_ptr<result_store>>
make_filesystem_result_store(filesystem_result_store_options options);

std::shared_ptr<result_store> make_memory_result_store();

} // namespace expbuild
