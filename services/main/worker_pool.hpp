#pragma once
#include "services/main/daemon.hpp"

namespace expbuild {

/// What workers share.
struct worker_surroundings {
  std::shared_ptr<backend> store;
  std::shared_ptr<io_pool> io;
  std::shared_ptr<metrics> meters;
  execution_thread* thread = nullptr; ///< outlives every worker
  std::filesystem::path runner;
  std::shared_ptr<staged_trees> trees; ///< large input roots, kept staged
  absolute_symlinks symlinks = absolute_symlinks::disallowed;
  std::chrono::seconds lease{0}; ///< what attempts are promised their inputs for
  cas_actor blobs;
  scheduler_actor scheduler;
};

/// Links into the store are safe only for an action that can neither write nor chmod them: one
/// that runs as another user than the store's owner, and not as root.
bool may_link_inputs(const run_as& identity);

/// What workers of every kind have; the rest is the kind's own.
worker_options common_worker_options(const worker_surroundings& around, const run_as& identity);

/// Made so that the user that actions run as reaches its inputs, and lists nothing.
absl::Status prepare_work_dir(const std::filesystem::path& folder);

/// One spec per slot, named host-worker-1 and on; their folders are made and emptied.
absl::StatusOr<std::vector<worker_spec>>
make_host_workers(const std::vector<host_pool_options>& pools, const worker_surroundings& around);

} // namespace expbuild
