#include "services/connection_budget.hpp"

#include <arpa/inet.h>
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

std::string name_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &ip.sin_addr, text, sizeof text);
    return std::string("ipv4:") + text + ":" + std::to_string(ntohs(ip.sin_port));
  }
  if (address.ss_family != AF_INET6)
    return {};
  const auto& ip = reinterpret_cast<const sockaddr_in6&>(address);
  const auto port = std::to_string(ntohs(ip.sin6_port));
  if (IN6_IS_ADDR_V4MAPPED(&ip.sin6_addr)) {
    ::inet_ntop(AF_INET, &ip.sin6_addr.s6_addr[12], text, sizeof text);
    return std::string("ipv4:") + text + ":" + port;
  }
  ::inet_ntop(AF_INET6, &ip.sin6_addr, text, sizeof text);
  return std::string("ipv6:%5B") + text + "%5D:" + port;
}

} // namespace expbuild
