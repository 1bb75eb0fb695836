#pragma once
#include "services/main/daemon.hpp"
#include "services/main/stores.hpp"
#include "services/service_context.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

namespace expbuild {

/// The actors and the system that they live in.
class actor_house {
public:
  explicit actor_house(std::size_t threads);
  /// Ends every actor that is left and waits for it.
  ~actor_house();
  actor_house(const actor_house&) = delete;
  actor_house& operator=(const actor_house&) = delete;

  /// Spawns the tree. The handles go into `into`; `fatal` hears of the death of an actor that can
  /// not be replaced.
  absl::Status open(const daemon_options& options, const stores& storage, execution_thread& thread,
                    std::function<void(const std::string&)> fatal, service_context& into);

private:
  template <class Handle>
  Handle keep(const char* name, Handle x);

  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<std::pair<std::string, caf::strong_actor_ptr>> actors_;
};

} // namespace expbuild
