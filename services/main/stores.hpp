#pragma once
#include "actors/presence_table.hpp"
#include "storage/backend.hpp"
#include "storage/result_store.hpp"
#include "storage/store_lock.hpp"

#include <absl/status/statusor.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace expbuild {

/// The two stores, locked and opened, and what the CAS holds.
struct stores {
  std::vector<store_lock> locks;
  std::shared_ptr<backend> blobs;
  std::shared_ptr<result_store> results;
  presence_table present;
};

/// A folder is locked before anything in it is touched; none means in memory. Small blobs on disk
/// are remembered up to `remembered_bytes`.
absl::StatusOr<stores> open_stores(const std::optional<std::filesystem::path>& cas_root,
                                   const std::optional<std::filesystem::path>& cache_root,
                                   std::size_t remembered_bytes);

} // namespace expbuild
