#pragma once
#include "storage/posix.hpp"

#include <absl/status/statusor.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace expbuild {

struct connection_acceptor_options {
  std::string address;                ///< HOST:PORT, [HOST]:PORT; port 0 takes any free one
  std::size_t max_connections = 4096; ///< at once; one more is closed as soon as it comes
  std::size_t max_connections_per_peer = 1024; ///< of one address (of one /64 with IPv6)
};

/// Receives an accepted connection: non-blocking, close-on-exec, its own from now on. Called on
/// the acceptor's thread.
using connection_handler = std::function<void(unique_fd connection, int listener)>;

/// Listens and accepts for a server that does not do so itself, because gRPC 1.51's own listener
/// goes deaf for ever once descriptors have run out. Keeps to a budget of connections, and accepts
/// again as soon as there is room, whatever happened before. One thread, asleep while nothing
/// happens.
///
/// It learns that a connection has ended from a second descriptor of the same socket: whoever got
/// the connection must shut it down (shutdown(2)) before closing it, as gRPC does. So each
/// connection costs two descriptors.
class connection_acceptor {
public:
  virtual ~connection_acceptor() = default; ///< stops

  virtual int port() const noexcept = 0;

  /// Begins to accept. Once.
  virtual void start(connection_handler handler) = 0;

  /// Closes the listening sockets; the connections go on. Blocks until the handler is not called
  /// any more. Idempotent.
  virtual void stop() = 0;

  /// After `stop`: ends the connections, too.
  virtual void close_all() = 0;

  /// Ends the connection with this peer, named as gRPC names it ("ipv4:127.0.0.1:1234"), if there
  /// is one. Any thread; returns at once.
  virtual void close_peer(const std::string& peer) = 0;

  /// Connections handed over that have not ended, and those turned away so far. Any thread.
  virtual std::size_t open() const noexcept = 0;
  virtual std::size_t refused() const noexcept = 0;
};

/// Binds and listens: clients can connect from now on, and wait until `start`. FAILED_PRECONDITION
/// names the address when it can not be bound. The budget is lowered, with a warning in the log,
/// to what the limit of descriptors (RLIMIT_NOFILE) allows: connections get half of them.
absl::StatusOr<std::unique_ptr<connection_acceptor>>
make_connection_acceptor(const connection_acceptor_options& options);

} // namespace expbuild
