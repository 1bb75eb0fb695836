#pragma once
#include "storage/posix.hpp"

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace expbuild {

/// Sockets that listen on every address that a name stands for, all on one port.
struct listening_sockets {
  std::vector<unique_fd> sockets; ///< non-blocking, close-on-exec
  int port = 0;
};

/// `address` is HOST:PORT or [HOST]:PORT; port 0 takes any free one. A port that another process
/// listens on is never shared. FAILED_PRECONDITION names the address and says what is wrong.
absl::StatusOr<listening_sockets> listen_on(const std::string& address);

} // namespace expbuild
