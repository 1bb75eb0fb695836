#pragma once
#include "actors/metrics.hpp"
#include "actors/trace.hpp"
#include "services/service_context.hpp"
#include "storage/io_pool.hpp"

#include <absl/status/status.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <chrono>
#include <memory>

namespace grpc {
class CallbackServerContext;
}

namespace expbuild {

/// Measures one call from its begin to its end and says how it ended. Not copyable: one per call.
class rpc_timer {
public:
  explicit rpc_timer(rpc_meter& meter) : meter_(meter), began_(std::chrono::steady_clock::now()) {
    meter_.started();
  }
  /// To be called once, just before the call is finished.
  grpc::Status ended(const absl::Status& status);

private:
  rpc_meter& meter_;
  std::chrono::steady_clock::time_point began_;
};

/// One unary call on its way to its answer: copied into the callbacks that will answer it. Request
/// and response stay valid until `finish`. When the last copy dies unfinished the client gets
/// UNAVAILABLE.
class unary_call {
public:
  unary_call(grpc::CallbackServerContext& context, rpc_meter& meter, call_budget& budget);

  /// Becomes true when the client gives the call up, or its deadline is over, before its end. For
  /// whoever works long for it.
  std::shared_ptr<const std::atomic<bool>> given_up() const;

  /// Keeps something until gRPC is done with the call: the answer may wait for its client long
  /// after `finish`. Before that, once.
  void keep(std::shared_ptr<void> what) const;

  /// Ends the call; the first time counts. Any thread.
  void finish(const absl::Status& status) const;

  grpc::ServerUnaryReactor* reactor() const noexcept { return reactor_; }

private:
  struct state;
  class counted_reactor;
  std::shared_ptr<state> state_;
  grpc::ServerUnaryReactor* reactor_;
};

/// Runs `body(call)` in a new trace, as long as the budget counts it. A status other than OK ends
/// the call; OK means that somebody has a copy of `call` and will.
template <class Body>
grpc::ServerUnaryReactor* serve(const service_context& house, grpc::CallbackServerContext& context,
                                rpc_meter& meter, Body body) {
  const trace_scope scope(new_trace_id());
  const unary_call call(context, meter, *house.calls);
  if (const absl::Status status = body(call); !status.ok())
    call.finish(status);
  return call.reactor();
}

/// Ends the call at once: for methods that are not offered.
grpc::ServerUnaryReactor* refuse(const service_context& house, grpc::CallbackServerContext& context,
                                 rpc_meter& meter, const absl::Status& status);

} // namespace expbuild
