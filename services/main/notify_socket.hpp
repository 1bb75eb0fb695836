#pragma once
#include <absl/status/statusor.h>

#include <chrono>
#include <string>

namespace expbuild {

/// The way to the service manager that started us: datagrams of "NAME=value" lines to the Unix
/// socket that $NOTIFY_SOCKET names, a path or (with '@') an abstract one; see sd_notify(3) of
/// systemd. Any thread may send, and never waits.
class notify_socket {
public:
  /// Not open: nobody wants to hear.
  notify_socket() = default;
  /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that what we
  /// start does not talk in our name. While there is one thread. INVALID_ARGUMENT, UNAVAILABLE: the
  /// socket can not be used; we can live without.
  static absl::StatusOr<notify_socket> from_environment();
  /// For what may be no socket of systemd: `address` as in NOTIFY_SOCKET.
  static absl::StatusOr<notify_socket> open(const std::string& address);

  ~notify_socket();
  notify_socket(notify_socket&& other) noexcept;
  notify_socket& operator=(notify_socket&& other) noexcept;

  bool is_open() const noexcept { return fd_ >= 0; }

  /// What does not go at once is lost: the manager is full of what we said before.
  void send(const std::string& lines) const noexcept;

  /// We are to be heard of at least this often; 0: that is not wanted.
  std::chrono::microseconds watchdog{0};

private:
  int fd_ = -1;
};

} // namespace expbuild
