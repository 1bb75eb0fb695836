#include "services/http_connections.hpp"

#include "actors/log.hpp"
#include "services/http_session.hpp"

#include <boost/asio/post.hpp>

#include <absl/strings/numbers.h>

#include <algorithm>
#include <sys/resource.h>

namespace expbuild {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

/// While descriptors are short, accepting is tried again at this pace rather than given up.
constexpr std::chrono::milliseconds accept_pause{100};

absl::StatusOr<tcp::endpoint> parse_address(boost::asio::io_context& io, const std::string& text) {
  const auto colon = text.rfind(':');
  auto host = text.substr(0, colon);
  std::uint32_t port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port)
      || port > 65535)
    return absl::InvalidArgumentError("HTTP address '" + text + "' is not HOST:PORT");
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  error_code error;
  const auto found = tcp::resolver(io).resolve(host, std::to_string(port), error);
  if (error)
    return absl::InvalidArgumentError("HTTP address '" + text + "': " + error.message());
  return found.begin()->endpoint();
}

/// A connection costs a socket and an open blob; gRPC takes half of all descriptors, too.
http_endpoint_options within_limits(http_endpoint_options x) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto affordable = std::max<std::size_t>(1, limit.rlim_cur / 8);
  if (x.max_connections <= affordable)
    return x;
  log_of("http").warn("only {} HTTP connections at once instead of {}: the limit of open files "
                      "(RLIMIT_NOFILE, LimitNOFILE= of systemd) allows no more",
                      affordable, x.max_connections);
  x.max_connections = affordable;
  return x;
}

} // namespace

http_connections::http_connections(http_endpoint_options how, http_router what)
    : options(within_limits(std::move(how))), router(std::move(what)) {}

http_connections::~http_connections() = default;

absl::Status http_connections::listen() {
  const auto where = parse_address(io, options.address);
  if (!where.ok())
    return where.status();
  error_code error;
  const auto try_step = [&error](auto step) {
    if (!error)
      step();
  };
  acceptor_.open(where->protocol(), error);
  try_step([&] { acceptor_.set_option(tcp::acceptor::reuse_address(true), error); });
  try_step([&] { acceptor_.bind(*where, error); });
  try_step([&] { acceptor_.listen(boost::asio::socket_base::max_listen_connections, error); });
  if (error)
    return absl::FailedPreconditionError("cannot listen on " + options.address
                                         + " for HTTP: " + error.message());
  port_ = acceptor_.local_endpoint().port();
  return absl::OkStatus();
}

void http_connections::accept() {
  acceptor_.async_accept(
      [this](error_code error, tcp::socket socket) { accepted(error, std::move(socket)); });
}

void http_connections::accepted(error_code error, tcp::socket socket) {
  if (!acceptor_.is_open())
    return;
  if (error) {
    log_of("http").warn("can not accept a connection, trying again: {}", error.message());
    pause_.expires_after(accept_pause);
    return pause_.async_wait([this](error_code cancelled) {
      if (!cancelled)
        accept();
    });
  }
  make_room();
  if (sessions_.size() < options.max_connections) {
    const auto id = ++last_session_;
    auto session = std::make_shared<http_session>(*this, id, std::move(socket));
    sessions_[id] = session;
    session->start();
  }
  accept();
}

/// Clients of caches keep connections that they do not use: the oldest of those goes, if need be.
void http_connections::make_room() {
  if (sessions_.size() < options.max_connections)
    return;
  const auto idle = std::find_if(sessions_.begin(), sessions_.end(),
                                 [](const auto& x) { return x.second->is_idle(); });
  if (idle != sessions_.end())
    std::shared_ptr(idle->second)->close();
}

void http_connections::close_all() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (const auto& [id, session] : std::map(sessions_)) // closing removes it from the table
    session->close();
}

http_poster http_connections::poster() {
  return [me = weak_from_this()](std::function<void()> work) {
    if (const auto alive = me.lock())
      boost::asio::post(alive->io, std::move(work));
  };
}

} // namespace expbuild
