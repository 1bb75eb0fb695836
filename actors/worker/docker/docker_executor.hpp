#pragma once
#include "actors/worker/docker/container.hpp"
#include "actors/worker/docker/containers.hpp"
#include "actors/worker/docker/image_store.hpp"
#include "actors/worker/executor.hpp"
#include "storage/io_pool.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace expbuild {

/// What commands of a Docker worker can use up. 0: no limit.
struct container_limits {
  double cpus = 0;
  std::int64_t memory_bytes = 0;
  std::uint32_t max_processes = 4096;
  std::uint64_t max_output_bytes = std::uint64_t{100} << 30; ///< of one file; SIGXFSZ
  std::uint64_t max_tmp_bytes = std::uint64_t{2} << 30;      ///< of /tmp and the like
};

/// One Docker worker. Its commands see the image read-only, their own folder as /build, and the
/// volumes.
struct docker_executor_options {
  std::string name;                ///< for logs: the worker's name
  std::filesystem::path runner;    ///< the static program re-runner, as the engine sees it
  std::filesystem::path pool;      ///< folder of all workers of its kind, a label
  std::filesystem::path directory; ///< its own folder in it
  std::string boot;                ///< which life of the daemon
  std::string image;
  bool always_pull = false;
  run_as identity;
  std::string network = "none"; ///< "bridge", "host"
  std::vector<container_mount> volumes;
  container_limits limits;
  bool allow_ptrace = false;
};

/// The engine, as far as executors need it. Shared by all of one engine.
struct docker_engine {
  std::shared_ptr<image_store> images;
  std::shared_ptr<containers> boxes;
};

/// Isolation "fresh": one container, kept warm; a runner on the host puts each command into it with
/// pid, mount and ipc namespaces of its own, which costs a millisecond. Needs root, an engine on
/// this host that maps no users. The executor is lost when its container ends.
std::unique_ptr<executor> make_warm_executor(execution_thread& thread, docker_engine engine,
                                             docker_executor_options options);

/// Isolation "container": one container a command, started ahead with a runner in it. Works with
/// what the engine's API gives to anybody who may use it.
std::unique_ptr<executor> make_single_use_executor(execution_thread& thread, docker_engine engine,
                                                   std::shared_ptr<io_pool> io,
                                                   docker_executor_options options);

/// What both kinds of containers have in common: limits, volumes, labels, user.
container_spec common_spec(const docker_executor_options& options, const std::string& image_id);

/// Of a command that was stopped while its container was made ready.
command_ended stopped_before_start();

/// Whether an image that can not be had ends more than the command that wanted it: only when the
/// engine is in trouble. By the outcome of image_store::ensure.
inline bool ends_executor(const absl::Status& status) {
  return absl::IsAborted(status);
}

/// That outcome as the seam of execution tells it.
inline absl::Status end_of_executor(const absl::Status& status) {
  return ends_executor(status) ? absl::UnavailableError(std::string(status.message())) : status;
}

/// What a command's own environment does not set, its image's does, as with `docker run`.
void add_environment(const image_facts& image, command_spec& command);

} // namespace expbuild
