#pragma once
#include "actors/worker/execution_thread_impl.hpp"
#include "actors/worker/runner_link.hpp"
#include "actors/worker/vfork_launcher.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>

namespace expbuild {

/// A runner as a process of the host, started by us. `gone` comes when it has died.
class runner_process : public runner_link, public std::enable_shared_from_this<runner_process> {
public:
  runner_process(execution_thread::impl& thread, std::string name, std::filesystem::path program);

  absl::Status start(on_event events, on_gone gone) override;
  absl::Status send(const runner::v1::Request& request, std::vector<int> attached) override;
  void abandon() override;
  void kill(absl::Status why) override;
  std::int64_t pid() const noexcept override { return pid_.load(); }

private:
  void listen();
  void take_packets();
  void watch_exit();
  void exited(int status);
  void hold_tree(pid_t root);
  void watch_tree();
  void finish();

  execution_thread::impl& thread_;
  const std::string name_;
  const std::filesystem::path program_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::posix::stream_descriptor exit_; ///< pidfd of the runner
  boost::asio::posix::stream_descriptor tree_; ///< pidfd of what it runs
  pid_t child_ = 0;
  std::atomic<std::int64_t> pid_{0};
  bool has_namespaces_ = false;
  std::vector<std::string> control_groups_; ///< that it makes, and removes if it can
  on_event events_;
  on_gone gone_;
  absl::Status why_;
};

} // namespace expbuild
