#pragma once
#include "actors/stream_sink.hpp"
#include "services/rpc_call.hpp"
#include "services/service_context.hpp"

#include "google/longrunning/operations.pb.h"

#include <grpcpp/support/server_callback.h>

#include <mutex>
#include <optional>

namespace expbuild {

/// The stream of one Execute or WaitExecution: what the operation actor tells becomes Operations.
/// Only the latest unsent state is kept, so a slow client costs one state, not a queue. When the
/// client goes, the dispatcher hears `detach`. `update` and `finish` from any thread.
class operation_stream final : public grpc::ServerWriteReactor<google::longrunning::Operation>,
                               public stream_receiver<operation_state>,
                               public std::enable_shared_from_this<operation_stream> {
public:
  /// The call owns one reference, until gRPC is done with it. What the final ActionResult holds
  /// beside digests is what the operation's Execute had asked for, also for those who watch it.
  static std::shared_ptr<operation_stream> make(context_ptr context, rpc_meter& meter,
                                                const grpc::ServerContextBase& call);

  operation_stream(context_ptr context, rpc_meter& meter, const grpc::ServerContextBase& call);

  /// RESOURCE_EXHAUSTED when there are too many of them: to be finished with.
  const absl::Status& admission() const { return place_.admission(); }

  /// Names this stream to the dispatcher; unique in the process.
  std::uint64_t listener() const noexcept { return listener_; }

  void update(operation_state latest) override;
  void finish(absl::Status status) override;
  void conclude(operation_state last) override;

private:
  enum class step { none, prepare, end };

  step next_step();
  void go_on();
  void prepare();
  void write_prepared();
  void inline_outputs();
  void detach_listener() const;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  const context_ptr context_;
  rpc_timer timer_;
  call_budget::place place_; // until the call is over
  const std::uint64_t listener_;
  const std::uint64_t trace_;
  std::shared_ptr<operation_stream> self_; // the call's reference

  std::mutex guard_; // of what follows; held for a few assignments, never while calling gRPC
  std::optional<operation_state> unsent_;
  std::optional<absl::Status> ended_;
  bool busy_ = false;   // a state is being prepared or written
  bool gone_ = false;   // the client
  bool closed_ = false; // its end is on its way

  operation_state sending_; // owned by whoever is busy, as the next ones
  bool last_ = false;
  google::longrunning::Operation message_;
};

} // namespace expbuild
