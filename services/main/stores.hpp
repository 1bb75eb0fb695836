#pragma once
#include "actors/metrics.hpp"
#include "actors/space_budget.hpp"
#include "storage/backend.hpp"
#include "storage/result_store.hpp"
#include "storage/store_lock.hpp"

#include <absl/status/statusor.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace expbuild {

struct store_options {
  std::optional<std::filesystem::path> root; ///< none: in memory
  durability level = durability::grouped;
  std::optional<std::int64_t> max_bytes;      ///< none: four fifths of the filesystem
  std::optional<std::int64_t> min_free_bytes; ///< none: a twentieth of it, 16 GiB at most
  std::size_t remembered_bytes = 0;           ///< of what is on disk, kept in memory too
  std::chrono::seconds lease{3 * 3600};
  std::int64_t scrubbed_a_second = 0; ///< bytes; 0: none
  std::chrono::seconds ttl{0};        ///< of results; 0: for ever
  bool compresses = false;            ///< blobs in files of their own
};

/// The two stores, locked and opened.
struct stores {
  std::vector<store_lock> locks;
  std::shared_ptr<backend> blobs;
  std::shared_ptr<result_store> results;
  store_clock result_clock = make_store_clock(); ///< by which they are stored and grow old
  space_limits blob_limits;
};

/// A folder is locked before anything in it is touched. Returns at once, whatever the stores hold.
/// The error knows its exit code.
absl::StatusOr<stores> open_stores(const store_options& cas, const store_options& cache,
                                   const std::shared_ptr<metrics>& meters);

} // namespace expbuild
