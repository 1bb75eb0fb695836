#pragma once
#include "actors/worker/runner/command.hpp"

#include <optional>
#include <vector>

namespace expbuild::runner {

/// The runner's life: requests in, events out, one command at a time. Waits in epoll for its
/// socket, the command's process tree, the command's timeout, the end of the container that
/// commands are put into and, where there are no pid namespaces, the ends of orphans; for nothing
/// else.
class loop {
public:
  explicit loop(int socket);

  /// Returns when the other side is gone; nothing of ours runs any more then.
  void run();

private:
  struct running {
    std::uint64_t id = 0;
    tree processes;
    descriptor timer;
    v1::Exited::KilledBy killed_by = v1::Exited::NOBODY;
    std::uint64_t memory_kills = 0; ///< before
  };

  void watch(int fd);
  void forget(const descriptor& fd);
  bool on_request();
  void set_up(const v1::Setup& request);
  void start(const v1::Start& request, std::vector<descriptor> streams);
  void arm_timeout(std::int64_t nanoseconds);
  void kill(v1::Exited::KilledBy why);
  void on_tree_gone();
  void reap_orphans_from_now_on();
  void reap_orphans();
  bool on_container_gone();
  v1::Exited::KilledBy killer_of(const running& ended, int status) const;
  void send(const v1::Event& event, std::vector<int> attached = {});

  int socket_;
  int epoll_;
  sandbox house_;
  bool is_set_up_ = false;
  descriptor children_; ///< says that some have ended; empty: they are nobody's but the command's
  std::optional<running> current_;
};

/// Kills every process that is a child of this one, again and again until there is none: what a
/// command left behind where there is no pid namespace.
void kill_remaining_children();

} // namespace expbuild::runner
