#pragma once
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/restart_policy.hpp"
#include "actors/traced_actor.hpp"

#include <functional>
#include <map>
#include <random>
#include <vector>

namespace expbuild {

/// How to make one worker, again and again.
struct worker_spec {
  std::string name;
  std::string type;
  std::function<worker_actor(caf::actor_system&)> spawn;
  std::string image = {};                                ///< for operators
  std::multimap<std::string, std::string> platform = {}; ///< the same: what it will offer
  std::string dependency = {}; ///< that it can not be without; it is started once that is there
};

struct supervisor_options {
  std::vector<worker_spec> workers;
  restart_options restarts;
  std::shared_ptr<metrics> meters;
  /// Actors that can not be restarted without loss; when one dies, `fatal` is told its name and
  /// reason, once, and ends the process.
  std::vector<std::pair<std::string, caf::actor_addr>> vital;
  std::function<void(const std::string&)> fatal;
};

/// Spawns the workers, watches them and restarts what dies: one for one, with backoff, jitter and a
/// restart intensity above which a slot is quarantined (see restart_policy). Workers whose
/// dependency is gone step down together, and come back together when it does.
class supervisor_state {
public:
  static inline const char* name = "supervisor";
  using pointer = traced_pointer<supervisor_actor, supervisor_state>;

  explicit supervisor_state(pointer selfptr) : self(selfptr) {}

  void start_all();
  void someone_died(const caf::down_msg& message);
  void restart(const restart_worker& event);
  void change(const dependency_changed& event);
  std::vector<std::string> restart_now(const restart_workers& request);
  std::vector<worker_status> workers() const;
  void stop_all(reply<unit> answer);

  pointer self;
  supervisor_options options;

private:
  struct slot {
    explicit slot(restart_options x) : policy(x) {}
    worker_actor worker; ///< null while it is down
    restart_policy policy;
    worker_status status;
    std::uint64_t generation = 0;
    bool asked_to = false; ///< an operator wants it to be restarted
  };

  bool may_start(std::size_t index) const;
  void wait_for_dependency(std::size_t index);
  void start(std::size_t index);
  void schedule_restart(slot& x, std::size_t index, const std::string& why);
  void worker_died(slot& x, std::size_t index, const std::string& why);
  restart_reason reason_of(std::size_t index, bool asked_to) const;
  void report() const;
  static void set_condition(slot& x, worker_condition condition);

  std::vector<slot> slots;
  std::map<std::string, absl::Status> dependencies; ///< what is known of them
  std::mt19937_64 chance{std::random_device{}()};
  bool stopping = false;
  std::vector<reply<unit>> stopped;
};

supervisor_actor::behavior_type supervisor(supervisor_state::pointer self,
                                           supervisor_options options);

} // namespace expbuild
