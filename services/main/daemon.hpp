#pragma once
#include "actors/dispatcher.hpp"
#include "actors/retired_operations.hpp"
#include "actors/scheduler.hpp"
#include "actors/supervisor.hpp"
#include "actors/worker/docker/docker_executor.hpp"
#include "actors/worker/worker.hpp"
#include "services/http_api.hpp"
#include "services/http_cache.hpp"
#include "services/main/stores.hpp"
#include "storage/codec.hpp"
#include "storage/digest.hpp"

#include <absl/status/statusor.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace expbuild {

struct service_context;

/// Workers of one kind.
struct host_pool_options {
  std::size_t count = 1;
  std::filesystem::path work_dir;
  run_as identity;
  std::vector<std::string> env_whitelist;
  host_sandbox sandbox;
  std::set<std::string> demanded; ///< keys of the sandbox that must hold, see `settle`
};

struct docker_pool_options {
  std::size_t count = 1;
  std::filesystem::path work_dir;
  std::vector<std::string> allowed_images;
  bool fresh = true;             ///< one warm container a worker; else a container an action
  docker_executor_options shape; ///< of every worker; what is a worker's own is filled in
};

/// Everything a daemon is made of. `config/` fills it in.
struct daemon_options {
  std::string version;
  std::string address;      ///< gRPC, HOST:PORT
  std::string http_address; ///< empty: no HTTP endpoint
  std::size_t max_http_connections = 1024;
  http_api_options http_api;
  std::string pages; ///< where clients find the pages, for links in answers; empty: no links
  std::optional<http_cache_options> http_cache; ///< none: the HTTP endpoint serves pages only
  std::string instance_name;
  std::size_t max_connections = 4096;
  std::size_t max_connections_per_peer = 1024;
  std::size_t max_streams = 20'000;
  std::chrono::seconds upload_stall{60};

  store_options cas;
  store_options action_cache;

  std::vector<host_pool_options> host_pools;
  std::vector<docker_pool_options> docker_pools;
  std::string docker_socket;    ///< empty: what DOCKER_HOST says, or the usual place
  std::filesystem::path runner; ///< the program re-runner
  scheduler_options scheduling; ///< what the daemon itself knows is filled in by it
  action_loader_options loading;
  retirement_options retirement;
  restart_options restarts;

  std::vector<digest_function> digest_functions{digest_function::sha256};
  std::vector<codec> codecs{codec::zstd, codec::deflate};
  std::int64_t max_batch_total_size_bytes = 4 << 20;
  absolute_symlinks symlinks = absolute_symlinks::disallowed;
  bool exec_enabled = true;
  bool action_cache_update_enabled = true;

  std::size_t actor_threads = 0; ///< 0: a quarter of the cores, at least two
  std::size_t trace_memory = std::size_t{16} << 20;
  std::chrono::seconds patience{300}; ///< of the sentinel
  std::chrono::seconds drain_timeout{30};
};

/// The whole server in one object: storage, pools, actors, doors. Made by the main thread, which
/// also stops it.
class daemon {
public:
  virtual ~daemon() = default;

  /// Ports that are served; they differ from the options' when those say 0.
  virtual int port() const = 0;
  virtual int http_port() const = 0;

  /// The actors that serve; until `stop`.
  virtual const service_context& context() const = 0;

  /// In this order: not serving, no new actions, running ones end (or drain_timeout), streams are
  /// answered, doors close, workers and their processes go, pools, stores. Ends the process with
  /// code 70 if a step hangs. At most once.
  virtual void stop() = 0;
};

/// Starts everything; serving when it returns. The error says what could not be started and why.
absl::StatusOr<std::unique_ptr<daemon>> start_daemon(daemon_options options);

} // namespace expbuild
