#pragma once
#include "actors/worker/docker/container_sweeper.hpp"
#include "actors/worker/docker/engine_watch.hpp"
#include "services/main/worker_pool.hpp"

namespace expbuild {

/// The Docker workers of this daemon and the container engine that they cannot be without.
class docker_pool {
public:
  /// INVALID_ARGUMENT when DOCKER_HOST names no Unix socket. Whether the engine answers does not
  /// matter yet.
  static absl::StatusOr<std::unique_ptr<docker_pool>>
  open(const std::vector<docker_pool_options>& pools, const std::string& socket,
       const worker_surroundings& around);

  /// One spec per slot, named docker-worker-1 and on; each depends on the engine.
  const std::vector<worker_spec>& workers() const { return workers_; }

  /// From now on the supervisor hears whether the engine is there.
  void watch(const supervisor_actor& boss);

  /// When the workers have gone: removes what is left of their containers, for 10 s at most.
  void close();

private:
  docker_pool(const std::filesystem::path& socket, execution_thread& thread);
  absl::Status add(const docker_pool_options& pool, const worker_surroundings& around);
  worker_spec make_worker(const docker_pool_options& pool, const worker_surroundings& around,
                          std::shared_ptr<staged_trees> trees);

  execution_thread& thread_;
  const std::filesystem::path socket_;
  const std::string dependency_; ///< what the supervisor calls the engine
  const std::string boot_;
  std::unique_ptr<engine_client> client_;
  docker_engine engine_;
  std::vector<std::string> folders_;
  std::vector<worker_spec> workers_;
  std::shared_ptr<container_sweeper> sweeper_;
  std::unique_ptr<engine_watch> watch_;
};

} // namespace expbuild
