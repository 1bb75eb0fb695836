#include "services/main/settings.hpp"

#include "actors/log.hpp"

#include <absl/strings/match.h>
#include <absl/strings/strip.h>
#include <unistd.h>

namespace expbuild {

namespace {

std::filesystem::path own_folder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

store_options store_from(const store_config& from) {
  store_options x;
  if (from.backend != "memory")
    x.root = from.root_dir;
  x.level = from.level;
  x.max_bytes = from.max_size_bytes;
  x.min_free_bytes = from.min_free_bytes;
  x.remembered_bytes = static_cast<std::size_t>(from.memory_cache_bytes);
  x.lease = from.lease;
  x.scrubbed_a_second = from.scrubbed_a_second;
  x.ttl = from.ttl;
  x.compresses = from.compresses;
  return x;
}

host_sandbox sandbox_from(const sandbox_config& from) {
  host_sandbox x;
  x.namespaces = from.isolation == "namespaces";
  x.host_network = from.network == "host" || !x.namespaces;
  x.readable_paths = {from.readable_paths.begin(), from.readable_paths.end()};
  x.max_processes = static_cast<std::uint32_t>(from.max_processes);
  x.max_memory_bytes = static_cast<std::uint64_t>(from.max_memory_bytes);
  x.max_output_bytes = static_cast<std::uint64_t>(from.max_output_bytes);
  x.max_tmp_bytes = static_cast<std::uint64_t>(from.max_tmp_bytes);
  x.allow_ptrace = from.allow_ptrace;
  return x;
}

host_pool_options pool_from(const host_workers_config& workers) {
  return {.count = workers.count,
          .work_dir = workers.work_dir,
          .identity = {.uid = workers.run_as.uid, .gid = workers.run_as.gid},
          .env_whitelist = workers.env_whitelist,
          .sandbox = sandbox_from(workers.sandbox),
          .demanded = workers.sandbox.demanded};
}

docker_pool_options pool_from(const docker_workers_config& workers) {
  docker_pool_options x{.count = workers.count,
                        .work_dir = workers.work_dir,
                        .allowed_images = workers.allowed_images,
                        .fresh = workers.fresh,
                        .shape = {}};
  auto& shape = x.shape;
  shape.image = workers.image;
  shape.always_pull = workers.always_pull;
  shape.identity = {.uid = workers.user.uid, .gid = workers.user.gid};
  shape.network = workers.network_mode;
  for (const auto& volume : workers.volumes)
    shape.volumes.push_back({volume.host_path, volume.container_path, volume.read_only});
  shape.limits = {.cpus = workers.cpu_limit,
                  .memory_bytes = workers.memory_limit,
                  .max_processes = static_cast<std::uint32_t>(workers.max_processes),
                  .max_output_bytes = static_cast<std::uint64_t>(workers.max_output_bytes),
                  .max_tmp_bytes = static_cast<std::uint64_t>(workers.max_tmp_bytes)};
  shape.allow_ptrace = workers.allow_ptrace;
  return x;
}

bool is_loopback(const std::string& address) {
  return absl::StartsWith(address, "127.") || absl::StartsWith(address, "localhost:")
         || absl::StartsWith(address, "[::1]:");
}

/// A port that is only known once it is bound makes no links.
std::string pages_of(const http_config& from) {
  if (!from.public_url.empty() || from.address.empty())
    return std::string(absl::StripSuffix(from.public_url, "/"));
  const auto port = from.address.substr(from.address.rfind(':') + 1);
  if (port == "0")
    return {};
  if (is_loopback(from.address))
    return "http://" + from.address;
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0)
    return {};
  return "http://" + std::string(name) + ":" + port;
}

} // namespace

daemon_options daemon_options_from(const config& settings) {
  daemon_options x;
  x.version = expbuild_version();
  x.address = settings.server.address;
  x.http_address = settings.http.address;
  x.max_http_connections = settings.http.max_connections;
  x.http_api = {.control = settings.http.control,
                .grpc_address = settings.server.address,
                .local_names_only = is_loopback(settings.http.address)};
  x.pages = pages_of(settings.http);
  if (settings.http.cache)
    x.http_cache = http_cache_options{.any_value = settings.http.any_value};
  x.instance_name = settings.server.instance_name;
  x.max_connections = settings.server.max_connections;
  x.max_connections_per_peer = settings.server.max_connections_per_peer;
  x.max_streams = settings.server.max_streams;
  x.upload_stall = settings.server.upload_stall;
  x.cas = store_from(settings.cas);
  x.action_cache = store_from(settings.action_cache);
  for (const auto& workers : settings.pool.host_workers)
    x.host_pools.push_back(pool_from(workers));
  for (const auto& workers : settings.pool.docker_workers)
    x.docker_pools.push_back(pool_from(workers));
  x.docker_socket = settings.docker.socket;
  x.runner = own_folder() / "re-runner";
  x.scheduling.max_queue_size = settings.pool.max_queue_size;
  x.scheduling.max_attempts = settings.pool.max_attempts;
  x.scheduling.housekeeping = settings.pool.scheduler_interval;
  x.loading.default_timeout = settings.pool.default_task_timeout;
  x.loading.max_timeout = settings.pool.max_task_timeout;
  x.retirement.ttl = settings.pool.result_ttl;
  x.drain_timeout = settings.pool.drain_timeout;
  x.digest_functions.clear();
  for (const auto& name : settings.capabilities.digest_functions)
    x.digest_functions.push_back(*parse_digest_function(name)); // checked by the reader
  x.codecs.clear();
  for (const auto& name : settings.capabilities.compressors)
    x.codecs.push_back(*parse_codec(name)); // checked as well
  x.max_batch_total_size_bytes = settings.capabilities.max_batch_total_size_bytes;
  x.symlinks = settings.capabilities.absolute_symlinks_allowed ? absolute_symlinks::allowed
                                                               : absolute_symlinks::disallowed;
  x.exec_enabled = settings.capabilities.exec_enabled;
  x.action_cache_update_enabled = settings.capabilities.action_cache_update_enabled;
  x.trace_memory = settings.trace.memory_bytes;
  x.patience = settings.watchdog.patience;
  return x;
}

void warn_if_exposed(const config& settings) {
  if (!is_loopback(settings.server.address))
    log_of("server").warn("{} can be reached from other machines: there is no TLS and no "
                          "authentication yet, anyone who can connect can run commands here",
                          settings.server.address);
  const auto& http = settings.http;
  if (!http.address.empty() && !is_loopback(http.address))
    log_of("server").warn(
        "{} can be reached from other machines: there is no TLS and no "
        "authentication yet, anyone who can connect can read every action and blob"
        "{}{}",
        http.address, http.cache ? ", write the cache ([http] cache = false forbids that)" : "",
        http.control ? ", and restart workers ([http] control)" : "");
}

std::string expbuild_version() {
  return EXPBUILD_VERSION;
}

} // namespace expbuild
