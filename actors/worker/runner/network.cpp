#include "actors/worker/runner/network.hpp"

#include "actors/worker/runner/descriptor.hpp"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

problem raise_loopback() {
  const descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (!socket || ::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0)
    return failed("raising the loopback interface");
  return {};
}

/// The kernel's count of this namespace's sockets, without the numbers that are the whole host's.
std::string count_sockets() {
  const descriptor file(::open("/proc/self/net/sockstat", O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> bytes{};
  const auto length = file ? ::read(file.get(), bytes.data(), bytes.size()) : -1;
  if (length <= 0)
    return "unknown";
  std::string counts(bytes.data(), static_cast<std::size_t>(length));
  for (const std::string everybodys : {" orphan ", " alloc ", " mem "})
    for (auto at = counts.find(everybodys); at != std::string::npos;
         at = counts.find(everybodys, at))
      counts.erase(at, counts.find_first_of(" \n", at + everybodys.size()) - at);
  return counts;
}

} // namespace

problem own_network::enter() {
  fresh_.clear(); // until all of it is done
  if (::unshare(CLONE_NEWNET | CLONE_NEWUTS) != 0)
    return failed("making a network namespace");
  if (auto x = raise_loopback())
    return x;
  constexpr char name[] = "localhost";
  if (::sethostname(name, sizeof name - 1) != 0)
    return failed("setting the host name");
  fresh_ = count_sockets();
  return {};
}

problem own_network::renew_if_used() {
  return count_sockets() == fresh_ ? problem{} : enter();
}

} // namespace expbuild::runner
