#pragma once
#include "services/service_context.hpp"

#include <absl/status/statusor.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace expbuild {

struct grpc_server_options {
  std::string address = "0.0.0.0:8980"; ///< host:port; port 0 takes any free one
  std::size_t max_connections = 4096;   ///< at once; one more is closed as soon as it comes
  std::size_t max_connections_per_peer = 1024;
  int max_inbound_bytes = 64 << 20;  ///< one message of a client
  int max_concurrent_streams = 1000; ///< calls at once on one connection
  int max_metadata_bytes = 16 << 10; ///< the headers of one call
  /// What messages under way may take together before gRPC refuses calls.
  std::size_t max_transport_bytes = std::size_t{512} << 20;
  /// An idle client is asked this often whether it still lives, and has so long to answer.
  std::chrono::milliseconds keepalive_time{60'000};
  std::chrono::milliseconds keepalive_timeout{20'000};
  /// A connection that has not finished its handshake by then is closed.
  std::chrono::milliseconds handshake_timeout{10'000};
  /// A connection without a call for so long is closed; its client connects again when it calls.
  std::chrono::milliseconds idle_timeout{1'800'000};
  /// So many pings that come faster than any client of builds sends them close a connection.
  int max_hasty_pings = 1000;
};

/// All gRPC services behind one port, with health and reflection. Any thread may call it.
class grpc_server {
public:
  virtual ~grpc_server() = default; ///< shuts down at once if nobody has

  virtual int port() const noexcept = 0;

  /// What the health service answers, for all services. True from the start.
  virtual void set_serving(bool serving) = 0;
  virtual bool serving() const noexcept = 0;

  /// Takes no new calls and waits for the ones under way; those that last longer than `patience`
  /// are cancelled. Blocks; the actors must still be there to answer. Idempotent.
  virtual void shutdown(std::chrono::milliseconds patience) = 0;
};

/// Listens and serves. FAILED_PRECONDITION names the address when it can not be bound; a port that
/// another process listens on is never shared.
absl::StatusOr<std::unique_ptr<grpc_server>> make_grpc_server(const grpc_server_options& options,
                                                              const context_ptr& context);

} // namespace expbuild
