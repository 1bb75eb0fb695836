#include "services/main/notify_socket.hpp"

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace expbuild {

namespace {

/// The variable's value, which is gone then.
std::string take(const char* name) {
  const char* value = std::getenv(name); // NOLINT: one thread yet
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name); // NOLINT: the same
  return text;
}

/// 0 for what is no number.
std::int64_t number(const std::string& text) {
  std::int64_t x = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, x);
  return parsed.ec == std::errc{} && parsed.ptr == end && x > 0 ? x : 0;
}

} // namespace

absl::StatusOr<notify_socket> notify_socket::from_environment() {
  const auto address = take("NOTIFY_SOCKET");
  const auto period = take("WATCHDOG_USEC");
  const auto whom = take("WATCHDOG_PID");
  if (address.empty())
    return notify_socket();
  auto made = open(address);
  if (made.ok() && (whom.empty() || number(whom) == ::getpid()))
    made->watchdog = std::chrono::microseconds(number(period));
  return made;
}

absl::StatusOr<notify_socket> notify_socket::open(const std::string& address) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (address.size() < 2 || (address[0] != '/' && address[0] != '@')
      || address.size() >= sizeof to.sun_path)
    return absl::InvalidArgumentError(
        "NOTIFY_SOCKET: '" + address + "' is neither an absolute path nor an abstract name (@...)");
  std::memcpy(to.sun_path, address.data(), address.size());
  if (address[0] == '@')
    to.sun_path[0] = '\0';
  notify_socket made;
  made.fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  if (made.fd_ < 0 || ::connect(made.fd_, reinterpret_cast<const sockaddr*>(&to), size) != 0)
    return absl::UnavailableError("NOTIFY_SOCKET: '" + address
                                  + "' can not be reached: " + std::strerror(errno));
  return made;
}

notify_socket::~notify_socket() {
  if (fd_ >= 0)
    ::close(fd_);
}

notify_socket::notify_socket(notify_socket&& other) noexcept
    : watchdog(other.watchdog), fd_(std::exchange(other.fd_, -1)) {}

notify_socket& notify_socket::operator=(notify_socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(watchdog, other.watchdog);
  return *this;
}

void notify_socket::send(const std::string& lines) const noexcept {
  if (fd_ >= 0)
    (void)!::send(fd_, lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

} // namespace expbuild
