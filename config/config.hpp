#pragma once
#include "config/identity.hpp"
#include "config/problems.hpp"
#include "storage/durability.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// A configuration file as plain values: every key has a default (docs/configuration.md), nothing
/// is decided here. The sections stand in the order of the file.

namespace expbuild {

struct server_config {
  std::string address = "127.0.0.1:8980";
  std::string instance_name;
  std::size_t max_connections = 4096;
  std::size_t max_connections_per_peer = 1024;
  std::size_t max_streams = 20'000;
  std::chrono::seconds upload_stall{60};
};

struct http_config {
  std::string address = "127.0.0.1:8981"; ///< empty: none
  bool cache = true;
  bool any_value = false;
  std::size_t max_connections = 1024;
  bool control = false;        ///< workers may be drained and restarted over HTTP
  std::string public_url = {}; ///< where people find the pages; empty: by the address
};

struct store_config {
  std::string backend = "filesystem";  ///< or "memory"
  std::filesystem::path root_dir = {}; ///< default: under the user's state directory
  std::int64_t memory_cache_bytes = 0; ///< 0: none; not used by "memory"
  durability level = durability::grouped;
  std::optional<std::int64_t> max_size_bytes = {}; ///< none: as the filesystem allows
  std::optional<std::int64_t> min_free_bytes = {}; ///< the same; only for the CAS
  std::chrono::seconds lease{3 * 3600};            ///< only for the CAS
  std::int64_t scrubbed_a_second = 5 << 20;        ///< bytes; 0: none; only for the CAS
  std::chrono::seconds ttl{0};                     ///< 0: for ever; only for the action cache
  bool compresses = false;                         ///< large new blobs; only for the CAS
};

/// What actions of a host worker can see, reach and use up. 0: no limit.
struct sandbox_config {
  std::string isolation = "namespaces"; ///< or "none"
  std::string network = "none";         ///< or "host"
  std::vector<std::string> readable_paths;
  std::int64_t max_processes = 4096;
  std::int64_t max_memory_bytes = 0;
  std::int64_t max_output_bytes = std::int64_t{100} << 30;
  std::int64_t max_tmp_bytes = std::int64_t{2} << 30;
  bool allow_ptrace = false;
  /// The keys that the file sets: the start fails when the system can not do them. The others
  /// become weaker then, with a warning.
  std::set<std::string> demanded;
};

struct host_workers_config {
  std::size_t count = 1;
  std::filesystem::path work_dir;
  std::vector<std::string> env_whitelist;
  sandbox_config sandbox;
  identity run_as; ///< resolved: nobody when the daemon is root and the file names nobody else
};

struct volume_config {
  std::string host_path;
  std::string container_path;
  bool read_only = false;
};

/// 0: no limit.
struct docker_workers_config {
  std::size_t count = 1;
  std::filesystem::path work_dir;
  std::string image;
  bool always_pull = false;
  std::vector<std::string> allowed_images; ///< others that actions may ask for; '*' at the end
  bool fresh = true;                       ///< isolation: else a container an action
  double cpu_limit = 0;
  std::int64_t memory_limit = 0;
  std::string network_mode = "none"; ///< or "bridge", "host"
  identity user; ///< resolved: nobody when the daemon is root and the file names nobody else
  std::vector<volume_config> volumes;
  std::int64_t max_processes = 4096;
  std::int64_t max_output_bytes = std::int64_t{100} << 30;
  std::int64_t max_tmp_bytes = std::int64_t{2} << 30;
  bool allow_ptrace = false;
};

struct docker_config {
  std::string socket; ///< empty: what DOCKER_HOST says, or the usual place
};

struct pool_config {
  std::size_t max_queue_size = 1000;
  std::chrono::milliseconds scheduler_interval{100};
  std::chrono::seconds default_task_timeout{3600};
  std::chrono::seconds max_task_timeout{86'400};
  std::chrono::seconds result_ttl{300};
  unsigned max_attempts = 3;
  std::chrono::seconds drain_timeout{30};
  std::vector<host_workers_config> host_workers;
  std::vector<docker_workers_config> docker_workers;
};

struct capabilities_config {
  std::vector<std::string> digest_functions{"SHA256"};
  std::vector<std::string> compressors{"ZSTD", "DEFLATE"}; ///< supported_compressors
  std::int64_t max_batch_total_size_bytes = 4'194'304;
  bool exec_enabled = true;
  bool action_cache_update_enabled = true;
  bool absolute_symlinks_allowed = false; ///< symlink_absolute_path_strategy
};

struct trace_config {
  std::size_t memory_bytes = std::size_t{16} << 20;
};

struct watchdog_config {
  std::chrono::seconds patience{300};
};

struct config {
  server_config server;
  http_config http;
  store_config cas{.memory_cache_bytes = std::int64_t{64} << 20};
  store_config action_cache{.memory_cache_bytes = std::int64_t{32} << 20};
  docker_config docker;
  pool_config pool;
  capabilities_config capabilities;
  trace_config trace;
  watchdog_config watchdog;
};

/// Reads a file. `problems` gets everything that is wrong, all at once, and the warnings; the
/// result means something only without errors. An unreadable file is a problem, too.
config read_config_file(const std::filesystem::path& path, config_problems& problems);

/// As above, from a text; `name` stands for the file in problems.
config read_config_text(const std::string& text, const std::string& name,
                        config_problems& problems);

/// What runs without any file: host workers, one a core, and filesystem storage under the user's
/// state directory. `problems` hears when this user can not run actions.
config default_config(config_problems& problems);

/// Every key that a file may have, as "section.key": what docs/configuration.md must describe.
std::vector<std::string> known_config_keys();

} // namespace expbuild
