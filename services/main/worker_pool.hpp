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
  std::filesystem::path trees; ///< where large input roots are kept staged
  absolute_symlinks symlinks = absolute_symlinks::disallowed;
  cas_actor blobs;
  scheduler_actor scheduler;
};

/// One spec per slot, named host-worker-1 and on; their folders are made and emptied.
absl::StatusOr<std::vector<worker_spec>>
make_host_workers(const std::vector<host_pool_options>& pools, const worker_surroundings& around);

} // namespace expbuild
