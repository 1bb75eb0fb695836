#pragma once
#include "services/main/heartbeat.hpp"
#include "services/main/notify_socket.hpp"
#include "services/service_context.hpp"

#include <memory>
#include <optional>

namespace expbuild {

/// What the service manager hears of us: that we serve, what we do, that we live, that we stop.
/// For the main thread. Without a manager it does nothing.
class service_manager {
public:
  explicit service_manager(notify_socket socket);

  /// From now on we serve.
  void ready(const service_context& context);
  /// After that nobody is asked any more.
  void stopping();

  /// How long to wait before `look_after`: until half of the time is over in which the manager
  /// must hear of us. Nothing: for ever.
  std::optional<std::chrono::milliseconds> pause() const;
  /// Asks the actors that nothing can replace, when it is time; their answers tell the manager that
  /// we live, and what we do.
  void look_after();

private:
  std::shared_ptr<const notify_socket> socket_; ///< shared with the answers that may still come
  std::optional<heartbeat> heart_;
  using clock = std::chrono::steady_clock;
  clock::time_point due_{};
};

/// "142 running, 12 queued, 8 workers".
std::string status_line(const scheduler_stats& x);

} // namespace expbuild
