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
};

unary_call::unary_call(grpc::CallbackServerContext& context, rpc_meter& meter)
    : reactor_(context.DefaultReactor()) {
  state_ = std::make_shared<state>(reactor_, meter);
}

void unary_call::finish(const absl::Status& status) const {
  state_->finish(status);
}

grpc::ServerUnaryReactor* refuse(grpc::CallbackServerContext& context, rpc_meter& meter,
                                 const absl::Status& status) {
  return serve(context, meter, [&status](const unary_call&) { return status; });
}

} // namespace expbuild
