#include "services/call_budget.hpp"

#include <grpcpp/server_context.h>

#include <algorithm>

namespace expbuild {

call_budget::place call_budget::enter_stream(const grpc::ServerContextBase& call) {
  if (++streams_ <= max_streams_)
    return {shared_from_this(), nullptr, absl::OkStatus()};
  --streams_;
  return count_other(call.peer(),
                     absl::ResourceExhaustedError(
                         "the server already has " + std::to_string(max_streams_)
                         + " streams under way, its limit (server.max_streams); try again "
                           "when some have ended"));
}

call_budget::place call_budget::enter(const grpc::ServerContextBase& call) {
  return enter(call.peer());
}

call_budget::place call_budget::enter(const std::string& peer) {
  return count_other(peer, absl::OkStatus());
}

call_budget::place call_budget::count_other(const std::string& peer, absl::Status admission) {
  peer_counts::value_type* counted = nullptr;
  {
    const std::lock_guard lock(peers_guard_);
    counted = &*peers_.try_emplace(peer, 0).first;
    ++counted->second;
  }
  if (++others_ > max_others_) {
    const auto flooder = busiest_peer();
    const std::lock_guard lock(guard_);
    if (flooded_)
      flooded_(flooder);
  }
  return {shared_from_this(), counted, std::move(admission)};
}

void call_budget::left(const peer_counts::value_type* peer) {
  if (!peer) {
    --streams_;
    return;
  }
  --others_;
  const std::lock_guard lock(peers_guard_);
  const auto found = peers_.find(peer->first);
  if (--found->second == 0)
    peers_.erase(found);
}

/// Whoever calls has a call: there is one.
std::string call_budget::busiest_peer() {
  const std::lock_guard lock(peers_guard_);
  return std::max_element(peers_.begin(), peers_.end(),
                          [](const auto& x, const auto& y) { return x.second < y.second; })
      ->first;
}

void call_budget::when_flooded(flood_handler handler) {
  const std::lock_guard lock(guard_);
  flooded_ = std::move(handler);
}

} // namespace expbuild
