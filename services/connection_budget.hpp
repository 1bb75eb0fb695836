#pragma once
#include <cstddef>
#include <string>
#include <unordered_map>

struct sockaddr_storage;

namespace expbuild {

/// Who may connect once more: so many connections in all, so many of one peer. A plain count.
class connection_budget {
public:
  connection_budget(std::size_t most, std::size_t most_per_peer)
      : most_(most), most_per_peer_(most_per_peer) {}

  /// Counts one more of this peer, if there is room.
  bool admit(const std::string& peer);
  /// One that was admitted has ended.
  void release(const std::string& peer);
  std::size_t open() const noexcept { return open_; }

private:
  std::size_t most_;
  std::size_t most_per_peer_;
  std::size_t open_ = 0;
  std::unordered_map<std::string, std::size_t> by_peer_; // none that is zero
};

/// Who is at the other end, as far as budgets go: an IPv4 address, or the /64 of an IPv6 address,
/// since one host usually has all of that.
std::string peer_of(const sockaddr_storage& address);

/// The same peer and its port, as gRPC writes them: "ipv4:1.2.3.4:5", "ipv6:%5B::1%5D:5".
std::string name_of(const sockaddr_storage& address);

} // namespace expbuild
