#pragma once
#include "actors/worker/runner/problem.hpp"

#include <string>

namespace expbuild::runner {

/// The network namespace that this process and its commands live in: loopback and nothing else.
/// A fresh one costs milliseconds, so that commands share it one after another, as long as it is
/// as good as new.
class own_network {
public:
  /// Enters one. Commands find the host name "localhost".
  problem enter();

  /// Before the next command: a new one if sockets were left behind (a port in TIME_WAIT
  /// would keep the next command from binding it).
  problem renew_if_used();

private:
  std::string fresh_; ///< what the kernel counts where nothing has happened
};

} // namespace expbuild::runner
