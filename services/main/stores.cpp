#include "services/main/stores.hpp"

#include "actors/log.hpp"

namespace expbuild {

namespace {

absl::Status lock(stores& all, const std::filesystem::path& root) {
  auto held = store_lock::acquire(root);
  if (!held.ok())
    return held.status();
  all.locks.push_back(*std::move(held));
  return absl::OkStatus();
}

absl::Status open_blobs_in(stores& all, const std::filesystem::path& root,
                           std::size_t remembered_bytes) {
  if (auto status = lock(all, root); !status.ok())
    return status;
  auto blobs = make_filesystem_backend({root});
  if (!blobs.ok())
    return blobs.status();
  all.blobs = remembered_bytes == 0
                  ? *std::move(blobs)
                  : make_remembering_backend(*std::move(blobs), {.max_bytes = remembered_bytes});
  return all.blobs->for_each([&all](const digest& id) { all.present.add(id); });
}

absl::Status open_results_in(stores& all, const std::filesystem::path& root) {
  if (auto status = lock(all, root); !status.ok())
    return status;
  auto results = make_filesystem_result_store({root});
  if (!results.ok())
    return results.status();
  all.results = *std::move(results);
  return absl::OkStatus();
}

std::string place_of(const std::optional<std::filesystem::path>& root) {
  return root ? root->string() : std::string("memory");
}

} // namespace

absl::StatusOr<stores> open_stores(const std::optional<std::filesystem::path>& cas_root,
                                   const std::optional<std::filesystem::path>& cache_root,
                                   std::size_t remembered_bytes) {
  stores all;
  auto status = absl::OkStatus();
  if (cas_root)
    status = open_blobs_in(all, *cas_root, remembered_bytes);
  else
    all.blobs = make_memory_backend();
  if (!status.ok())
    return status;
  if (cache_root)
    status = open_results_in(all, *cache_root);
  else
    all.results = make_memory_result_store();
  if (!status.ok())
    return status;
  log_of("storage").info("Storage initialised: CAS in {} ({} blobs, {} bytes), action cache in {}",
                         place_of(cas_root), all.present.blobs(), all.present.bytes(),
                         place_of(cache_root));
  return all;
}

} // namespace expbuild
