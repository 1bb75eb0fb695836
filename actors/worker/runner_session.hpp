#pragma once
#include "actors/worker/executor.hpp"
#include "actors/worker/runner_link.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unordered_map>

namespace expbuild {

struct runner_session_options {
  std::string name;              ///< for texts: the worker's
  runner::v1::Request setup;     ///< what the runner is asked first
  run_as identity;               ///< switched to where the runner can
  std::string memory_limit = {}; ///< for texts: key and value of the limit that commands have
};

/// One runner, as the seam of execution wants it: asks, hears, and keeps the one command that runs.
/// Lives on the execution thread.
class runner_session : public std::enable_shared_from_this<runner_session> {
public:
  runner_session(boost::asio::io_context& loop, std::shared_ptr<runner_link> link,
                 runner_session_options options);

  /// These are the seam's (executor.hpp).
  void open(executor::on_ready ready, executor::on_lost lost);
  void start(const command_spec& command, executor::on_ended ended);
  void stop();
  void check_health(executor::on_ready answer);
  std::int64_t pid() const { return link_->pid(); }

  /// As `start`, with stdout and stderr open already.
  void start_with(const command_spec& command, const std::vector<unique_fd>& streams,
                  executor::on_ended ended);

  /// Ends the runner; no callback runs any more.
  void close();

private:
  struct ping {
    executor::on_ready answer;
    std::shared_ptr<boost::asio::steady_timer> limit;
  };

  runner::v1::Request request_for(const command_spec& command);
  void take(const runner::v1::Event& event, unique_fd attached);
  command_ended end_of(const runner::v1::Exited& event, unique_fd root) const;
  absl::Status failure_of(const runner::v1::Failed& event) const;
  void answer_ping(std::uint64_t number, const absl::Status& status);
  void gone(const absl::Status& why);

  const runner_session_options options_;
  boost::asio::steady_timer timer_;
  const std::shared_ptr<runner_link> link_;
  executor::on_ready ready_;
  executor::on_lost lost_;
  executor::on_ended ended_;
  std::string program_;
  std::chrono::system_clock::time_point started_at_;
  std::uint64_t id_ = 0;
  std::uint64_t last_ping_ = 0;
  std::unordered_map<std::uint64_t, ping> pings_;
};

} // namespace expbuild
