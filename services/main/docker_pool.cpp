#include "services/main/docker_pool.hpp"

#include "actors/log.hpp"
#include "actors/platform.hpp"
#include "actors/worker/host_abilities.hpp"

#include <caf/send.hpp>

#include <cstdlib>
#include <random>
#include <unistd.h>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("pool");
  return instance;
}

std::string random_name() {
  std::random_device chance;
  return std::to_string(chance()) + "-" + std::to_string(chance());
}

absl::StatusOr<std::filesystem::path> socket_of(const std::string& configured) {
  if (!configured.empty())
    return configured;
  const auto* host = std::getenv("DOCKER_HOST"); // NOLINT(concurrency-mt-unsafe): nobody sets it
  return engine_socket(host == nullptr ? "" : host);
}

/// Whoever may use the engine's socket is root on this machine.
bool would_give_away(const std::filesystem::path& socket, const std::string& host_path) {
  std::error_code error;
  const auto inside = std::filesystem::weakly_canonical(socket, error)
                          .lexically_relative(std::filesystem::weakly_canonical(host_path, error));
  return !inside.empty() && *inside.begin() != "..";
}

/// As `docker run --volume` does; the engine's API refuses a folder that is not there.
absl::Status prepare_volumes(const std::vector<container_mount>& volumes,
                             const std::filesystem::path& socket) {
  for (const auto& volume : volumes) {
    if (would_give_away(socket, volume.host_path))
      return absl::FailedPreconditionError(
          "the volume " + volume.host_path + " would give actions the container engine's socket "
          + socket.string() + ", and with it this machine: mount something smaller");
    std::error_code error;
    if (std::filesystem::exists(volume.host_path, error))
      continue;
    std::filesystem::create_directories(volume.host_path, error);
    if (error)
      return absl::FailedPreconditionError("cannot make the volume's host_path " + volume.host_path
                                           + ": " + error.message());
    logger().warn("The volume's host_path {} was not there and has been made", volume.host_path);
  }
  return absl::OkStatus();
}

/// Whether large input roots can be mounted below overlays: not through the engine's API.
bool can_overlay(const docker_pool_options& pool, const worker_surroundings& around) {
  if (!pool.fresh)
    return false;
  host_executor_options options{
      .runner = around.runner, .identity = pool.shape.identity, .name = "", .sandbox = {}};
  options.sandbox.scratch = pool.work_dir;
  const auto can = probe_host(*around.thread, options);
  return can.ok() && can->overlays;
}

} // namespace

absl::StatusOr<std::unique_ptr<docker_pool>>
docker_pool::open(const std::vector<docker_pool_options>& pools, const std::string& socket,
                  const worker_surroundings& around) {
  const auto path = socket_of(socket);
  if (!path.ok())
    return path.status();
  std::unique_ptr<docker_pool> made(new docker_pool(*path, *around.thread));
  for (const auto& pool : pools)
    if (auto status = made->add(pool, around); !status.ok())
      return status;
  made->sweeper_ = make_container_sweeper(*around.thread, made->engine_.boxes,
                                          {.pools = made->folders_, .boot = made->boot_});
  return made;
}

docker_pool::docker_pool(const std::filesystem::path& socket, execution_thread& thread)
    : thread_(thread), socket_(socket), dependency_("container engine at " + socket.string()),
      boot_(random_name()),
      client_(make_engine_client(thread, {.socket = socket})), engine_{
                                                                   make_image_store(*client_, {}),
                                                                   make_containers(*client_)} {}

absl::Status docker_pool::add(const docker_pool_options& pool, const worker_surroundings& around) {
  if (auto status = prepare_volumes(pool.shape.volumes, socket_); !status.ok())
    return status;
  const auto trees = can_overlay(pool, around) ? around.trees : nullptr;
  logger().info("Creating {} docker workers in {} (image {}, actions run as uid {}, inputs are {}, "
                "isolation: {}, network: {}, at the {})",
                pool.count, pool.work_dir.string(), pool.shape.image, pool.shape.identity.uid,
                may_link_inputs(pool.shape.identity) ? "linked" : "copied",
                pool.fresh ? "fresh" : "container", pool.shape.network, dependency_);
  folders_.push_back(pool.work_dir);
  for (std::size_t i = 0; i < pool.count; ++i) {
    workers_.push_back(make_worker(pool, around, trees));
    workspace_options folder;
    folder.directory = pool.work_dir / workers_.back().name;
    if (auto status = prepare_workspaces(folder); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

worker_spec docker_pool::make_worker(const docker_pool_options& pool,
                                     const worker_surroundings& around,
                                     std::shared_ptr<staged_trees> trees) {
  auto shape = pool.shape;
  shape.name = "docker-worker-" + std::to_string(workers_.size() + 1);
  shape.runner = around.runner;
  shape.pool = pool.work_dir;
  shape.directory = pool.work_dir / shape.name;
  shape.boot = boot_;
  auto options = common_worker_options(around, shape.identity);
  options.name = shape.name;
  options.type = "docker";
  options.platform = docker_platform(shape.image, pool.allowed_images);
  options.workspaces.directory = shape.directory;
  options.workspaces.trees = std::move(trees);
  options.make_executor = [thread = around.thread, engine = engine_, io = around.io,
                           fresh = pool.fresh, shape] {
    return fresh ? make_warm_executor(*thread, engine, shape)
                 : make_single_use_executor(*thread, engine, io, shape);
  };
  return {.name = options.name,
          .type = options.type,
          .spawn = [options](caf::actor_system& system) { return system.spawn(worker, options); },
          .image = shape.image,
          .platform = options.platform,
          .dependency = dependency_};
}

void docker_pool::watch(const supervisor_actor& boss) {
  watch_ = make_engine_watch(
      thread_, *client_, {}, [boss, sweeper = sweeper_, name = dependency_](const absl::Status& x) {
        if (x.ok())
          sweeper->sweep();
        else
          sweeper->rest();
        caf::anon_send(boss, dependency_changed{.trace = {}, .dependency = name, .status = x});
      });
}

void docker_pool::close() {
  watch_ = nullptr;
  if (!sweeper_->remove_all(std::chrono::seconds(10)))
    logger().warn("Some containers may be left at the {}: the next start removes them",
                  dependency_);
}

} // namespace expbuild
