#include "services/call_budget.hpp"

#include <grpcpp/server_context.h>

namespace expbuild {

call_budget::place call_budget::enter_stream(const grpc::ServerContextBase& call) {
  if (++streams_ <= max_streams_)
    return {shared_from_this(), streams_, absl::OkStatus()};
  --streams_;
  return count_other(call, absl::ResourceExhaustedError(
                               "the server already has " + std::to_string(max_streams_)
                               + " streams under way, its limit (server.max_streams); try again "
                                 "when some have ended"));
}

call_budget::place call_budget::enter(const grpc::ServerContextBase& call) {
  return count_other(call, absl::OkStatus());
}

call_budget::place call_budget::count_other(const grpc::ServerContextBase& call,
                                            absl::Status admission) {
  if (++others_ > max_others_) {
    const std::lock_guard lock(guard_);
    if (flooded_)
      flooded_(call.peer());
  }
  return {shared_from_this(), others_, std::move(admission)};
}

void call_budget::when_flooded(flood_handler handler) {
  const std::lock_guard lock(guard_);
  flooded_ = std::move(handler);
}

} // namespace expbuild
