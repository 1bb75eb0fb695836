#include "services/rpc_call.hpp"

#include "actors/log.hpp"
#include "services/status.hpp"

#include <grpcpp/server_context.h>

#include <atomic>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("grpc");
  return instance;
}

/// What an operator must look into, not the client.
bool is_our_fault(const absl::Status& x) {
  return absl::IsInternal(x) || absl::IsUnknown(x) || absl::IsDataLoss(x);
}

} // namespace

grpc::Status rpc_timer::ended(const absl::Status& status) {
  const auto took = std::chrono::steady_clock::now() - began_;
  meter_.handled(static_cast<int>(status.code()), took);
  const auto level = is_our_fault(status) ? spdlog::level::warn : spdlog::level::debug;
  if (logger().should_log(level))
    logger().log(level, "{} ended after {} us: {}", meter_.method(),
                 std::chrono::duration_cast<std::chrono::microseconds>(took).count(),
                 status.ToString());
  return to_grpc(status);
}

struct unary_call::state {
  state(grpc::ServerUnaryReactor* to, rpc_meter& meter) : reactor(to), timer(meter) {}
  ~state() {
    finish(absl::UnavailableError("the server dropped the request while handling it; try again"));
  }

  void finish(const absl::Status& status) {
    if (!done.exchange(true))
      reactor->Finish(timer.ended(status));
  }

  grpc::ServerUnaryReactor* reactor;
  rpc_timer timer;
  std::atomic<bool> done{false};
  std::atomic<bool> given_up{false};
};

/// gRPC's own one does not say when the call is over.
class unary_call::counted_reactor final : public grpc::ServerUnaryReactor {
public:
  explicit counted_reactor(call_budget::place place) : place_(std::move(place)) {}

  /// Weakly: the call ends when nobody has it any more.
  void watch_for(const std::shared_ptr<state>& call) { call_ = call; }

  void keep(std::shared_ptr<void> what) { kept_ = std::move(what); }

private:
  void OnCancel() override {
    if (const auto call = call_.lock())
      call->given_up = true;
  }
  void OnDone() override { delete this; }

  call_budget::place place_;
  std::weak_ptr<state> call_;
  std::shared_ptr<void> kept_;
};

unary_call::unary_call(grpc::CallbackServerContext& context, rpc_meter& meter,
                       call_budget& budget) {
  auto* reactor = new counted_reactor(budget.enter(context));
  reactor_ = reactor;
  state_ = std::make_shared<state>(reactor, meter);
  reactor->watch_for(state_);
}

std::shared_ptr<const std::atomic<bool>> unary_call::given_up() const {
  return {state_, &state_->given_up};
}

void unary_call::keep(std::shared_ptr<void> what) const {
  static_cast<counted_reactor*>(reactor_)->keep(std::move(what));
}

void unary_call::finish(const absl::Status& status) const {
  state_->finish(status);
}

grpc::ServerUnaryReactor* refuse(const service_context& house, grpc::CallbackServerContext& context,
                                 rpc_meter& meter, const absl::Status& status) {
  return serve(house, context, meter, [&status](const unary_call&) { return status; });
}

} // namespace expbuild
