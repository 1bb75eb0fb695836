#include "services/listening_sockets.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace expbuild {

namespace {

using address_list = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

absl::Status cannot_listen(const std::string& address, const std::string& why) {
  return absl::FailedPreconditionError(
      "cannot listen on " + address + ": " + why
      + "; is another process using the port, or is the address not one of this host?");
}

/// getaddrinfo takes 99999 for 34463, and nothing for 0.
bool is_port(const std::string& text) {
  unsigned port = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  return parsed.ec == std::errc{} && parsed.ptr == end && port <= 65535;
}

/// What HOST:PORT stands for.
absl::StatusOr<address_list> resolve(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || !is_port(address.substr(colon + 1)))
    return cannot_listen(address, "it is no HOST:PORT");
  auto host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found);
  if (error != 0)
    return cannot_listen(address, ::gai_strerror(error));
  return address_list(found, ::freeaddrinfo);
}

void set_port(sockaddr& to, int port) {
  const auto in_order = htons(static_cast<std::uint16_t>(port));
  if (to.sa_family == AF_INET6)
    reinterpret_cast<sockaddr_in6&>(to).sin6_port = in_order;
  else if (to.sa_family == AF_INET)
    reinterpret_cast<sockaddr_in&>(to).sin_port = in_order;
}

int port_of(int socket) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size);
  return ntohs(name.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(name).sin6_port
                                          : reinterpret_cast<sockaddr_in&>(name).sin_port);
}

/// An invalid descriptor, with errno set, when it can not be done.
unique_fd listen_at(const sockaddr& name, socklen_t size) {
  unique_fd fd(::socket(name.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  const int off = 0;
  if (!fd)
    return fd;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); // connections in TIME_WAIT
  if (name.sa_family == AF_INET6)                                   // [::] takes IPv4, too
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd.get(), &name, size) != 0 || ::listen(fd.get(), SOMAXCONN) != 0)
    return unique_fd();
  return fd;
}

} // namespace

absl::StatusOr<listening_sockets> listen_on(const std::string& address) {
  auto addresses = resolve(address);
  if (!addresses.ok())
    return addresses.status();
  listening_sockets all;
  int last_error = 0;
  for (auto* each = addresses->get(); each != nullptr; each = each->ai_next) {
    if (all.port != 0)
      set_port(*each->ai_addr, all.port);
    auto fd = listen_at(*each->ai_addr, each->ai_addrlen);
    if (!fd) {
      last_error = errno;
      if (last_error == EADDRINUSE)
        break;
      continue; // "localhost" may name an IPv6 address where there is no IPv6
    }
    all.port = port_of(fd.get());
    all.sockets.push_back(std::move(fd));
  }
  if (all.sockets.empty() || last_error == EADDRINUSE)
    return cannot_listen(address, std::strerror(last_error));
  return all;
}

} // namespace expbuild
