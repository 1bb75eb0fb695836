#include "services/http_endpoint.hpp"

#include "services/http_connections.hpp"

#include <boost/asio/post.hpp>

#include <pthread.h>
#include <thread>

namespace expbuild {

namespace {

class endpoint final : public http_endpoint {
public:
  explicit endpoint(std::shared_ptr<http_connections> connections)
      : connections_(std::move(connections)) {
    connections_->accept();
    thread_ = std::thread([connections = connections_] { connections->io.run(); });
    ::pthread_setname_np(thread_.native_handle(), "http");
  }
  // NOLINTNEXTLINE(bugprone-exception-escape): joining our own thread once does not fail.
  ~endpoint() override { endpoint::stop(); }

  int port() const noexcept override { return connections_->port(); }

  void stop() override {
    if (!thread_.joinable())
      return;
    boost::asio::post(connections_->io, [to = connections_.get()] { to->close_all(); });
    thread_.join();
  }

private:
  std::shared_ptr<http_connections> connections_;
  std::thread thread_;
};

} // namespace

absl::StatusOr<std::unique_ptr<http_endpoint>>
make_http_endpoint(http_endpoint_options options, http_pages pages,
                   std::shared_ptr<const http_cache> cache) {
  http_router router(std::move(pages), std::move(cache), options.timeout);
  auto connections = std::make_shared<http_connections>(std::move(options), std::move(router));
  if (auto status = connections->listen(); !status.ok())
    return status;
  return std::make_unique<endpoint>(std::move(connections));
}

} // namespace expbuild
