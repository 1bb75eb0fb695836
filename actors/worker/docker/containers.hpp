#pragma once
#include "actors/worker/docker/container.hpp"
#include "actors/worker/docker/engine_client.hpp"

#include <functional>
#include <memory>
#include <string>

namespace expbuild {

/// What every container of ours is labelled with, so that each can be found again whatever happened
/// to the daemon that made it.
namespace container_labels {
constexpr auto pool = "expbuild.pool"; ///< work_dir of the table of workers
constexpr auto slot = "expbuild.slot"; ///< the worker's own folder
constexpr auto boot = "expbuild.boot"; ///< which life of the daemon
} // namespace container_labels

struct running_container {
  std::string id;
  std::int64_t pid = 0; ///< of its first process, on the host
};

/// Makes containers and removes them. Everything on the execution thread. FAILED_PRECONDITION: the
/// engine understands and refuses (a volume's folder is missing, ...), in its own words;
/// UNAVAILABLE and DEADLINE_EXCEEDED: it can not be asked, or is in trouble itself.
class containers {
public:
  virtual ~containers() = default;

  using on_running = std::function<void(absl::StatusOr<running_container>)>;
  using on_done = std::function<void(absl::Status)>;
  using on_state = std::function<void(absl::StatusOr<container_state>)>;

  /// Creates one and starts it. What could be created but not started is removed.
  virtual void run(const container_spec& spec, on_running done) = 0;

  /// How it ended, once it has.
  virtual void wait_ended(const std::string& id, on_state done) = 0;

  /// Kills what runs in it. OK also when there is none.
  virtual void remove(const std::string& id, on_done done) = 0;

  /// As `remove`, for one that nobody needs any more: what stays is told in the log, and is the
  /// next sweep's. `then`, if any, runs in either case.
  virtual void discard(const std::string& id, std::function<void()> then) = 0;

  /// Removes all with this label, except those that have `kept` as the value of another one.
  /// The first failure is told; the others are removed all the same.
  virtual void remove_labelled(const std::string& label, const std::string& value,
                               const std::string& other, const std::string& kept, on_done done) = 0;
};

/// `client` outlives it, and what it has been asked.
std::shared_ptr<containers> make_containers(engine_client& client);

} // namespace expbuild
