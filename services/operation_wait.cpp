#include "services/operation_wait.hpp"

#include "actors/stream_sink.hpp"
#include "services/listener.hpp"
#include "services/operation_message.hpp"
#include "services/rpc_call.hpp"

#include <caf/send.hpp>
#include <grpcpp/alarm.h>
#include <grpcpp/server_context.h>

#include <mutex>
#include <optional>

namespace expbuild {

namespace {

using std::chrono::system_clock;

/// When to answer with what is known; nullopt: only when it is done.
std::optional<system_clock::time_point>
answer_by(system_clock::time_point deadline,
          const google::longrunning::WaitOperationRequest& request) {
  std::optional<system_clock::time_point> by;
  const auto now = system_clock::now();
  constexpr auto for_ever = std::chrono::hours(24 * 365);
  if (deadline - now < for_ever) // the answer needs some of the time itself
    by =
        deadline - std::min<system_clock::duration>(std::chrono::seconds(1), (deadline - now) / 10);
  if (request.has_timeout() && request.timeout().seconds() < for_ever / std::chrono::seconds(1)) {
    const auto asked = now + std::chrono::seconds(request.timeout().seconds())
                       + std::chrono::nanoseconds(request.timeout().nanos());
    by = by ? std::min(*by, asked) : asked;
  }
  return by;
}

absl::Status check_timeout(const google::longrunning::WaitOperationRequest& request) {
  if (request.timeout().seconds() >= 0 && request.timeout().nanos() >= 0)
    return absl::OkStatus();
  return absl::InvalidArgumentError("timeout: " + std::to_string(request.timeout().seconds())
                                    + " s is negative; 0 asks for the state as it is");
}

/// Owned by the call: `self_` goes with OnDone.
class operation_wait final : public grpc::ServerUnaryReactor,
                             public stream_receiver<operation_state>,
                             public std::enable_shared_from_this<operation_wait> {
public:
  operation_wait(context_ptr context, rpc_meter& meter, const grpc::ServerContextBase& call,
                 google::longrunning::Operation& response)
      : context_(std::move(context)), timer_(meter), place_(context_->calls->enter_stream(call)),
        response_(response) {}

  void begin(system_clock::time_point deadline,
             const google::longrunning::WaitOperationRequest& request) {
    self_ = shared_from_this();
    if (!place_.admission().ok())
      return end(place_.admission());
    if (auto status = check_timeout(request); !status.ok())
      return end(status);
    if (const auto by = answer_by(deadline, request)) // weakly: the alarm is ours
      alarm_.Set(*by, [me = weak_from_this()](bool due) {
        if (const auto wait = me.lock(); wait && due)
          wait->time_is_over();
      });
    caf::anon_send(context_->dispatcher,
                   watch{.trace = {}, .operation = request.name(), .listener = listener_},
                   operation_sink(shared_from_this()));
  }

  void update(operation_state latest) override {
    const bool is_done = latest.stage == execution_stage::completed;
    {
      const std::lock_guard lock(guard_);
      latest_ = std::move(latest);
      if (!is_done && !due_)
        return;
    }
    answer();
  }

  void finish(absl::Status status) override {
    if (!status.ok())
      return end(status);
    answer();
  }

private:
  void time_is_over() {
    {
      const std::lock_guard lock(guard_);
      due_ = true;
      if (!latest_)
        return; // the first state is still on its way
    }
    answer();
  }

  void answer() { end(absl::OkStatus()); }

  void end(const absl::Status& status) {
    {
      const std::lock_guard lock(guard_);
      if (ended_)
        return;
      ended_ = true;
      if (latest_ && status.ok())
        response_ = to_operation(*latest_);
    }
    alarm_.Cancel();
    detach_listener();
    Finish(timer_.ended(status));
  }

  void detach_listener() const {
    caf::anon_send(context_->dispatcher, detach{.trace = {}, .listener = listener_});
  }

  void OnCancel() override { end(absl::CancelledError("the client is gone")); }
  void OnDone() override { self_.reset(); }

  const context_ptr context_;
  rpc_timer timer_;
  const call_budget::place place_;
  google::longrunning::Operation& response_; // not touched after the end
  const std::uint64_t listener_ = new_listener();
  std::shared_ptr<operation_wait> self_;
  grpc::Alarm alarm_;

  std::mutex guard_; // of what follows; held for a few assignments
  std::optional<operation_state> latest_;
  bool due_ = false;
  bool ended_ = false;
};

} // namespace

grpc::ServerUnaryReactor*
wait_for_operation(context_ptr context, rpc_meter& meter, const grpc::CallbackServerContext& call,
                   const google::longrunning::WaitOperationRequest& request,
                   google::longrunning::Operation& response) {
  const trace_scope scope(new_trace_id());
  auto wait = std::make_shared<operation_wait>(std::move(context), meter, call, response);
  wait->begin(call.deadline(), request);
  return wait.get();
}

} // namespace expbuild
