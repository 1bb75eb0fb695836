#pragma once
#include "actors/worker/execution_thread_impl.hpp"
#include "actors/worker/vfork_launcher.hpp"
#include "expbuild/runner/v1/runner.pb.h"
#include "storage/posix.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <optional>

namespace expbuild {

/// One runner process and the conversation with it. Lives on the execution thread: every function
/// is called there. Tells `events` what the runner says and `gone`, once, when it has died and the
/// process tree of its command is dead too.
class runner_process : public std::enable_shared_from_this<runner_process> {
public:
  /// With the descriptor that came along, if any.
  using on_event = std::function<void(const runner::v1::Event&, unique_fd)>;
  using on_gone = std::function<void(absl::Status)>;

  runner_process(execution_thread::impl& thread, std::string name);

  /// NOT_FOUND and the like when the program can not be started.
  absl::Status start(const std::filesystem::path& program, on_event events, on_gone gone);

  /// UNAVAILABLE when the runner does not take it: it is lost, `gone` follows.
  absl::Status send(const runner::v1::Request& request);

  /// Kills it; `gone` is called no more.
  void abandon();

  /// Kills it; `gone` is told this reason.
  void kill(absl::Status why);

  /// Any thread; 0 before start and after the end.
  std::int64_t pid() const noexcept { return pid_.load(); }

private:
  using process = boost::process::v2::basic_process<boost::asio::io_context::executor_type>;

  void listen();
  void take_packets();
  void watch_exit();
  void exited(int status);
  void wait_for_tree(int tree_pidfd);
  void finish();

  execution_thread::impl& thread_;
  const std::string name_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::posix::stream_descriptor tree_;
  std::optional<process> process_;
  std::atomic<std::int64_t> pid_{0};
  bool has_namespaces_ = false;
  std::vector<std::string> control_groups_; ///< that it makes, and removes if it can
  on_event events_;
  on_gone gone_;
  absl::Status why_;
};

} // namespace expbuild
