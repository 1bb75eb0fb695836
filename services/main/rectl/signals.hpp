#pragma once
#include <csignal>

namespace expbuild::rectl {

/// What ends a verb, and SIGUSR1, which wakes up whoever waits for that. To be called before the
/// first thread: they all inherit it.
inline sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1})
    sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

} // namespace expbuild::rectl
