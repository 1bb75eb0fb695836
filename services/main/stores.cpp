#include "services/main/stores.hpp"

#include "actors/log.hpp"
#include "services/main/exit_code.hpp"
#include "storage/posix.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/statvfs.h>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("storage");
  return instance;
}

absl::Status lock(stores& all, const std::filesystem::path& root) {
  auto held = store_lock::acquire(root);
  if (absl::IsFailedPrecondition(held.status())) // somebody else's
    return held.status();
  if (!held.ok())
    return with_exit_code(held.status(),
                          absl::IsUnimplemented(held.status()) ? other_format : bad_store);
  all.locks.push_back(*std::move(held));
  return absl::OkStatus();
}

store_events tell_log(const std::shared_ptr<metrics>& meters) {
  return {.lost =
              [meters](const digest& id, const absl::Status& why) {
                meters->blob_lost();
                logger().error("blob {} is lost: {}", id.to_string(), std::string(why.message()));
              },
          .trouble =
              [meters](const absl::Status& why) {
                meters->store_trouble();
                logger().error("{}", why.ToString());
              },
          .notice = [](const std::string& what) { logger().info("{}", what); }};
}

/// As configured, or as the filesystem allows.
absl::StatusOr<space_limits> limits_of(const store_options& options) {
  struct statvfs disk {};
  if (::statvfs(options.root->c_str(), &disk) != 0)
    return errno_status(errno, "asking for the size of " + options.root->string());
  const auto total = static_cast<std::int64_t>(disk.f_blocks * disk.f_frsize);
  constexpr std::int64_t most_free = std::int64_t{16} << 30;
  return space_limits{
      .max_bytes = options.max_bytes.value_or(std::max<std::int64_t>(total / 5 * 4, 1)),
      .min_free_bytes = options.min_free_bytes.value_or(std::min(total / 20, most_free)),
      .min_free_files = static_cast<std::int64_t>(disk.f_files / 50)};
}

absl::Status open_blobs_in(stores& all, const store_options& options,
                           const std::shared_ptr<metrics>& meters) {
  if (auto status = lock(all, *options.root); !status.ok())
    return status;
  const auto limits = limits_of(options);
  if (!limits.ok())
    return with_exit_code(limits.status(), bad_store);
  all.blob_limits = *limits;
  auto blobs =
      make_filesystem_backend({.root = *options.root,
                               .level = options.level,
                               .max_bytes = limits->max_bytes,
                               .compresses = options.compresses,
                               .usual_promise = static_cast<store_seconds>(options.lease.count()),
                               .events = tell_log(meters),
                               .scrubbed_a_second = options.scrubbed_a_second});
  if (!blobs.ok())
    return with_exit_code(blobs.status(), bad_store);
  all.blobs =
      options.remembered_bytes == 0
          ? *std::move(blobs)
          : make_remembering_backend(*std::move(blobs), {.max_bytes = options.remembered_bytes});
  return absl::OkStatus();
}

absl::Status open_results_in(stores& all, const store_options& options,
                             const std::shared_ptr<metrics>& meters) {
  if (auto status = lock(all, *options.root); !status.ok())
    return status;
  const auto limits = limits_of(options);
  if (!limits.ok())
    return with_exit_code(limits.status(), bad_store);
  auto results =
      make_filesystem_result_store({.root = *options.root,
                                    .level = options.level,
                                    .max_bytes = options.max_bytes.value_or(limits->max_bytes / 16),
                                    .events = tell_log(meters),
                                    .clock = all.result_clock});
  if (!results.ok())
    return with_exit_code(results.status(), bad_store);
  all.results = *std::move(results);
  return absl::OkStatus();
}

std::string place_of(const std::optional<std::filesystem::path>& root) {
  return root ? root->string() : std::string("memory");
}

constexpr std::int64_t in_memory_limit = std::int64_t{4} << 30;

} // namespace

absl::StatusOr<stores> open_stores(const store_options& cas, const store_options& cache,
                                   const std::shared_ptr<metrics>& meters) {
  stores all;
  auto status = absl::OkStatus();
  if (cas.root) {
    status = open_blobs_in(all, cas, meters);
  } else {
    all.blob_limits.max_bytes = cas.max_bytes.value_or(in_memory_limit);
    all.blobs =
        make_memory_backend({.max_bytes = all.blob_limits.max_bytes,
                             .usual_promise = static_cast<store_seconds>(cas.lease.count())});
  }
  if (!status.ok())
    return status;
  if (cache.root)
    status = open_results_in(all, cache, meters);
  else
    all.results = make_memory_result_store();
  if (!status.ok())
    return status;
  logger().info("Storage initialised: CAS in {} (up to {} bytes), action cache in {}",
                place_of(cas.root), all.blob_limits.max_bytes, place_of(cache.root));
  return all;
}

} // namespace expbuild
