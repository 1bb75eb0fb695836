#include "services/main/actor_house.hpp"

#include "actors/action_cache.hpp"
#include "actors/cas.hpp"
#include "actors/log.hpp"
#include "actors/platform.hpp"
#include "actors/recorder.hpp"
#include "actors/result_reaper.hpp"
#include "actors/sentinel.hpp"
#include "services/main/ask_and_wait.hpp"
#include "services/main/worker_pool.hpp"

#include <caf/actor_cast.hpp>
#include <caf/atom.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <thread>

namespace expbuild {

namespace {

std::size_t thread_count(std::size_t wanted) {
  return wanted != 0 ? wanted : std::max<std::size_t>(2, std::thread::hardware_concurrency() / 4);
}

caf::actor_system_config& tuned(caf::actor_system_config& config, std::size_t threads) {
  // The default policy looks for work in its sleep; this one waits until there is some.
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", thread_count(threads));
  config.set("scheduler.max-throughput", std::size_t{50});
  return config;
}

/// On the store's own filesystem, where files can be linked.
std::filesystem::path trees_of(const daemon_options& options) {
  if (options.cas.root)
    return *options.cas.root / "trees";
  return (options.host_pools.empty() ? options.docker_pools.front().work_dir
                                     : options.host_pools.front().work_dir)
         / ".trees";
}

bool is_cache_only(const daemon_options& options) {
  return options.host_pools.empty() && options.docker_pools.empty();
}

} // namespace

actor_house::actor_house(std::size_t threads)
    : system_(std::make_unique<caf::actor_system>(tuned(config_, threads))) {}

actor_house::~actor_house() {
  stop_workers();
  for (const auto& [name, actor] : actors_)
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  actors_.clear();
}

void actor_house::stop_workers() {
  if (const auto boss = std::exchange(supervisor_, nullptr))
    ask_and_wait(boss, shut_down{}, std::chrono::seconds(10));
  if (const auto docker = std::exchange(docker_, nullptr))
    docker->close();
}

/// Two servers in one would empty each other's folders, and remove each other's containers.
absl::Status actor_house::lock_work_dirs(const daemon_options& options) {
  std::vector<std::filesystem::path> folders;
  for (const auto& pool : options.host_pools)
    folders.push_back(pool.work_dir);
  for (const auto& pool : options.docker_pools)
    folders.push_back(pool.work_dir);
  for (const auto& folder : folders) {
    if (auto status = prepare_work_dir(folder); !status.ok())
      return status;
    auto held = store_lock::hold(folder, "work_dir");
    if (!held.ok())
      return held.status();
    work_dirs_.push_back(*std::move(held));
  }
  return absl::OkStatus();
}

template <class Handle>
Handle actor_house::keep(const char* name, Handle x) {
  actors_.emplace_back(name, caf::actor_cast<caf::strong_actor_ptr>(x));
  return x;
}

absl::Status actor_house::open(const daemon_options& options, const stores& storage,
                               execution_thread& thread,
                               std::function<void(const std::string&)> fatal,
                               service_context& into) {
  if (auto status = lock_work_dirs(options); !status.ok())
    return status;
  open_storage(options, storage, into);
  open_dispatching(options, into);
  worker_surroundings around{.store = storage.blobs,
                             .io = into.io,
                             .meters = into.meters,
                             .thread = &thread,
                             .runner = options.runner,
                             .trees = nullptr,
                             .symlinks = options.symlinks,
                             .lease = options.cas.lease,
                             .blobs = into.cas,
                             .scheduler = into.scheduler};
  if (!is_cache_only(options)) {
    auto trees = staged_trees::open({.directory = trees_of(options)}, into.io);
    if (!trees.ok())
      return trees.status();
    around.trees = *std::move(trees);
  }
  auto workers = make_workers(options, around);
  if (!workers.ok())
    return workers.status();
  open_supervision(options, *std::move(workers), std::move(fatal), into);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<worker_spec>>
actor_house::make_workers(const daemon_options& options, const worker_surroundings& around) {
  auto workers = make_host_workers(options.host_pools, around);
  if (!workers.ok() || options.docker_pools.empty())
    return workers;
  auto docker = docker_pool::open(options.docker_pools, options.docker_socket, around);
  if (!docker.ok())
    return docker.status();
  docker_ = *std::move(docker);
  workers->insert(workers->end(), docker_->workers().begin(), docker_->workers().end());
  return workers;
}

void actor_house::open_storage(const daemon_options& options, const stores& storage,
                               service_context& into) {
  auto& system = *system_;
  into.cas = keep("cas", system.spawn(cas, cas_options{.store = storage.blobs,
                                                       .io = into.io,
                                                       .meters = into.meters,
                                                       .limits = storage.blob_limits,
                                                       .lease = options.cas.lease}));
  action_cache_options caching{.results = storage.results,
                               .store = storage.blobs,
                               .io = into.io,
                               .meters = into.meters,
                               .blobs = into.cas,
                               .ttl = static_cast<store_seconds>(options.action_cache.ttl.count()),
                               .clock = storage.result_clock,
                               .max_remembered_bytes = options.action_cache.remembered_bytes};
  into.action_cache = keep("action_cache", system.spawn(action_cache, std::move(caching)));
}

void actor_house::open_dispatching(const daemon_options& options, service_context& into) {
  auto& system = *system_;
  into.recorder = keep("recorder", system.spawn(recorder, recorder_options{}));
  auto scheduling = options.scheduling;
  scheduling.meters = into.meters;
  auto& declared = scheduling.declared;
  for (const auto& pool : options.host_pools)
    declared.insert(declared.end(), pool.count, host_platform());
  for (const auto& pool : options.docker_pools)
    declared.insert(declared.end(), pool.count,
                    docker_platform(pool.shape.image, pool.allowed_images));
  into.scheduler = keep("scheduler", system.spawn(scheduler, scheduling));
  dispatcher_options dispatching;
  dispatching.operations.cache = into.action_cache;
  dispatching.operations.scheduler = into.scheduler;
  dispatching.operations.reaper =
      keep("result_reaper", system.spawn(result_reaper, options.retirement));
  dispatching.operations.recorder = into.recorder;
  dispatching.operations.meters = into.meters;
  dispatching.operations.pages = options.pages;
  dispatching.store = into.store;
  dispatching.io = into.io;
  dispatching.loading = options.loading;
  into.dispatcher = keep("dispatcher", system.spawn(dispatcher, dispatching));
}

void actor_house::open_supervision(const daemon_options& options, std::vector<worker_spec> workers,
                                   std::function<void(const std::string&)> fatal,
                                   service_context& into) {
  const auto count = workers.size();
  supervisor_options supervising;
  supervising.workers = std::move(workers);
  supervising.restarts = options.restarts;
  supervising.meters = into.meters;
  supervising.fatal = std::move(fatal);
  for (const auto& [name, actor] : actors_)
    supervising.vital.emplace_back(name, caf::actor_cast<caf::actor_addr>(actor));
  supervisor_ = keep("supervisor", system_->spawn(supervisor, std::move(supervising)));
  into.supervisor = supervisor_;
  auto watching = sentinel_of_this_process(options.patience);
  watching.recorder = into.recorder;
  watching.scheduler = into.scheduler;
  watching.meters = into.meters;
  into.sentinel = keep("sentinel", system_->spawn(sentinel, std::move(watching)));
  if (docker_)
    docker_->watch(supervisor_);
  log_of("pool").info("Worker pool started with {} workers", count);
}

} // namespace expbuild
