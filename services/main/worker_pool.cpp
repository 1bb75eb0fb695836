#include "services/main/worker_pool.hpp"

#include "actors/log.hpp"
#include "actors/platform.hpp"
#include "actors/worker/environment.hpp"
#include "actors/worker/host_abilities.hpp"
#include "actors/worker/staged_trees.hpp"

#include <unistd.h>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("pool");
  return instance;
}

worker_options options_for(const std::string& name, const host_pool_options& pool,
                           const host_sandbox& sandbox, const worker_surroundings& around) {
  auto x = common_worker_options(around, pool.identity);
  x.name = name;
  x.type = "host";
  x.platform = host_platform();
  x.make_executor = [thread = around.thread, runner = around.runner, identity = pool.identity, name,
                     sandbox] {
    return make_host_executor(
        *thread, {.runner = runner, .identity = identity, .name = name, .sandbox = sandbox});
  };
  x.workspaces.directory = pool.work_dir / name;
  x.environment = with_path(whitelisted(pool.env_whitelist));
  return x;
}

struct settled_pool {
  host_sandbox sandbox;
  bool overlays = false; ///< large input roots can be kept staged and mounted below overlays
};

/// What these workers run with: a table that asks for more than the system gives is refused here,
/// at the start. A runner that can not be asked is no reason: its workers will say so themselves,
/// again and again, until it can.
absl::StatusOr<settled_pool> settle_sandbox(const host_pool_options& pool,
                                            const worker_surroundings& around) {
  host_executor_options options{
      .runner = around.runner, .identity = pool.identity, .name = "", .sandbox = pool.sandbox};
  options.sandbox.scratch = pool.work_dir;
  const auto can = probe_host(*around.thread, options);
  if (!can.ok()) {
    logger().warn("cannot ask what this system allows: {}", std::string(can.status().message()));
    return settled_pool{pool.sandbox, false};
  }
  std::vector<std::string> warnings;
  auto settled = settle(pool.sandbox, pool.demanded, *can, warnings);
  for (const auto& warning : warnings)
    logger().warn("{}", warning);
  if (!can->overlays)
    logger().warn("Every action's inputs are staged anew: {}", can->no_overlays);
  if (!settled.ok())
    return settled.status();
  return settled_pool{*std::move(settled), can->overlays};
}

} // namespace

bool may_link_inputs(const run_as& identity) {
  return ::geteuid() == 0 && identity.uid != 0;
}

worker_options common_worker_options(const worker_surroundings& around, const run_as& identity) {
  worker_options x;
  x.workspaces.symlinks = around.symlinks;
  x.workspaces.uid = identity.uid;
  x.workspaces.gid = identity.gid;
  x.workspaces.may_link = may_link_inputs(identity);
  x.workspaces.io = around.io;
  x.workspaces.inputs_promised = static_cast<store_seconds>(around.lease.count());
  x.store = around.store;
  x.io = around.io;
  x.meters = around.meters;
  x.blobs = around.blobs;
  x.scheduler = around.scheduler;
  return x;
}

absl::Status prepare_work_dir(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return absl::FailedPreconditionError("cannot make work_dir " + folder.string() + ": "
                                         + error.message());
  std::filesystem::permissions(folder, std::filesystem::perms(0711), error);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<worker_spec>>
make_host_workers(const std::vector<host_pool_options>& pools, const worker_surroundings& around) {
  std::vector<worker_spec> specs;
  for (const auto& pool : pools) {
    const auto settled = settle_sandbox(pool, around);
    if (!settled.ok())
      return settled.status();
    logger().info("Creating {} host workers in {} (actions run as uid {}, inputs are {}, "
                  "isolation: {}, network: {})",
                  pool.count, pool.work_dir.string(), pool.identity.uid,
                  may_link_inputs(pool.identity) ? "linked" : "copied",
                  settled->sandbox.namespaces ? "namespaces" : "none",
                  settled->sandbox.host_network ? "host" : "none");
    for (std::size_t i = 0; i < pool.count; ++i) {
      auto options = options_for("host-worker-" + std::to_string(specs.size() + 1), pool,
                                 settled->sandbox, around);
      options.workspaces.trees = settled->overlays ? around.trees : nullptr;
      if (auto status = prepare_workspaces(options.workspaces); !status.ok())
        return status;
      specs.push_back(
          {.name = options.name,
           .type = options.type,
           .spawn = [options](caf::actor_system& system) { return system.spawn(worker, options); },
           .platform = options.platform});
    }
  }
  return specs;
}

} // namespace expbuild
