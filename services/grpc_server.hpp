#pragma once
#include "services/service_context.hpp"

#include <absl/status/statusor.h>

#include <chrono>
#include <memory>
#include <string>

namespace expbuild {

struct grpc_server_options {
  std::string address = "0.0.0.0:8980"; ///< host:port; port 0 takes any free one
  int max_inbound_bytes = 64 << 20;     ///< one message of a client
  int max_concurrent_streams = 1000;    ///< calls at once on one connection
  /// An idle client is asked this often whether it still lives, and has so long to answer.
  std::chrono::milliseconds keepalive_time{60'000};
  std::chrono::milliseconds keepalive_timeout{20'000};
  /// A connection that has not finished its handshake by then is closed.
  std::chrono::milliseconds handshake_timeout{20'000};
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
