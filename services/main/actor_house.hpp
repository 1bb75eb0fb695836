#pragma once
#include "services/main/daemon.hpp"
#include "services/main/docker_pool.hpp"
#include "services/main/stores.hpp"
#include "services/service_context.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

namespace expbuild {

/// The actors and the system that they live in.
class actor_house {
public:
  explicit actor_house(std::size_t threads);
  /// Ends every actor that is left, workers first, and waits for it.
  ~actor_house();
  actor_house(const actor_house&) = delete;
  actor_house& operator=(const actor_house&) = delete;

  /// Spawns the tree. The handles go into `into`; `fatal` hears of the death of an actor that can
  /// not be replaced.
  absl::Status open(const daemon_options& options, const stores& storage, execution_thread& thread,
                    std::function<void(const std::string&)> fatal, service_context& into);

  /// Ends the workers and what they run, and waits for it. Idempotent.
  void stop_workers();

private:
  absl::Status lock_work_dirs(const daemon_options& options);
  template <class Handle>
  Handle keep(const char* name, Handle x);
  absl::StatusOr<std::vector<worker_spec>> make_workers(const daemon_options& options,
                                                        const worker_surroundings& around);
  void open_storage(const daemon_options& options, const stores& storage, service_context& into);
  void open_dispatching(const daemon_options& options, service_context& into);
  void open_supervision(const daemon_options& options, std::vector<worker_spec> workers,
                        std::function<void(const std::string&)> fatal, service_context& into);

  std::vector<store_lock> work_dirs_; ///< until nothing of ours is in them any more
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<std::pair<std::string, caf::strong_actor_ptr>> actors_;
  std::unique_ptr<docker_pool> docker_; ///< null: no Docker workers
  supervisor_actor supervisor_; ///< null until it is spawned, and after the workers have gone
};

} // namespace expbuild
