#include "services/connection_budget.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace expbuild {

bool connection_budget::admit(const std::string& peer) {
  if (open_ >= most_)
    return false;
  auto& count = by_peer_[peer];
  if (count >= most_per_peer_) {
    if (count == 0)
      by_peer_.erase(peer);
    return false;
  }
  ++count;
  ++open_;
  return true;
}

void connection_budget::release(const std::string& peer) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end())
    return;
  --open_;
  if (--found->second == 0)
    by_peer_.erase(found);
}

std::string peer_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    return {reinterpret_cast<const char*>(&ip), sizeof ip};
  }
  if (address.ss_family != AF_INET6)
    return {};
  const auto& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  const auto* bytes = reinterpret_cast<const char*>(&ip);
  if (IN6_IS_ADDR_V4MAPPED(&ip))
    return {bytes + 12, 4};
  return {bytes, 8};
}

} // namespace expbuild
