#pragma once
#include "services/http_endpoint.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>

namespace expbuild {

class http_session;

/// The listening socket and the connections that it has accepted. Everything runs on the one
/// thread that runs `io`; `poster` brings others there.
class http_connections : public std::enable_shared_from_this<http_connections> {
public:
  http_connections(http_endpoint_options options, http_router router);
  ~http_connections();

  absl::Status listen();
  int port() const noexcept { return port_; }
  void accept();
  void close_all();

  void drop(std::uint64_t session) { sessions_.erase(session); }
  http_poster poster();

  boost::asio::io_context io{1};
  const http_endpoint_options options;
  const http_router router;

private:
  void make_room();
  void accepted(boost::system::error_code error, boost::asio::ip::tcp::socket socket);

  boost::asio::ip::tcp::acceptor acceptor_{io};
  boost::asio::steady_timer pause_{io};
  int port_ = 0;
  std::uint64_t last_session_ = 0;
  std::map<std::uint64_t, std::shared_ptr<http_session>> sessions_;
};

} // namespace expbuild
