#pragma once
#include "actors/worker/runner/packet.hpp"
#include "expbuild/runner/v1/runner.pb.h"
#include "storage/posix.hpp"

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace expbuild {

/// The conversation with one runner, wherever it runs. Lives on the execution thread: every
/// function is called there. Tells `events` what the runner says and `gone`, once, when it can not
/// be heard any more and the process tree of its command is dead too.
class runner_link {
public:
  /// With the descriptor that came along, if any.
  using on_event = std::function<void(const runner::v1::Event&, unique_fd)>;
  using on_gone = std::function<void(absl::Status)>;

  virtual ~runner_link() = default;

  /// NOT_FOUND and the like when there will be no runner; no callback runs then.
  virtual absl::Status start(on_event events, on_gone gone) = 0;

  /// UNAVAILABLE when the runner does not take it: it is lost, `gone` follows. `attached`
  /// descriptors come along and stay the caller's.
  virtual absl::Status send(const runner::v1::Request& request, std::vector<int> attached) = 0;

  /// Ends it; no callback runs any more.
  virtual void abandon() = 0;

  /// Ends it; `gone` is told this reason.
  virtual void kill(absl::Status why) = 0;

  /// On the host. Any thread; 0 before start, after the end and where it is not known.
  virtual std::int64_t pid() const noexcept = 0;
};

/// Takes the next event that waits at a link's socket. `broken` also for what is no event.
inline runner::received receive_event(int socket, runner::v1::Event& event,
                                      std::vector<unique_fd>& attached) {
  std::string bytes;
  std::vector<int> passed;
  const auto got = runner::receive_packet(socket, bytes, passed);
  attached = std::vector<unique_fd>(passed.begin(), passed.end());
  return got == runner::received::message && !event.ParseFromString(bytes)
             ? runner::received::broken
             : got;
}

} // namespace expbuild
