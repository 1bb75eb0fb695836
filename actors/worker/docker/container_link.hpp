#pragma once
#include "actors/worker/runner_link.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>

namespace expbuild {

/// The runner in a container, which connects to a socket that the container sees. Hears one
/// connection and no other: whatever else runs there, later, finds nobody. `gone` comes when the
/// runner has closed its end: it is the container's first process, so everything in it is dead.
class container_link : public runner_link, public std::enable_shared_from_this<container_link> {
public:
  /// `listener`: listening, SEQPACKET, non-blocking.
  container_link(boost::asio::io_context& loop, unique_fd listener);

  absl::Status start(on_event events, on_gone gone) override;
  /// What is sent before the runner has come waits for it.
  absl::Status send(const runner::v1::Request& request, std::vector<int> attached) override;
  void abandon() override;
  void kill(absl::Status why) override;
  std::int64_t pid() const noexcept override { return connected_ ? 1 : 0; }

private:
  void wait_for_runner();
  void accept();
  void listen();
  void take_packets();
  void finish(absl::Status why);

  boost::asio::posix::stream_descriptor listener_;
  boost::asio::posix::stream_descriptor socket_;
  std::vector<std::string> early_; ///< packets; one at most, the setup
  std::atomic<bool> connected_{false};
  absl::Status why_;
  on_event events_;
  on_gone gone_;
};

/// A listening socket at DIRECTORY/NAME, which only `owner` may connect to. Blocks.
absl::StatusOr<unique_fd> listen_in(int directory, const std::string& name, std::uint32_t uid,
                                    std::uint32_t gid);

} // namespace expbuild
