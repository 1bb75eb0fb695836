#include "actors/worker/runner/runner.hpp"

#include <csignal>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <unistd.h>

/// re-runner: starts actions for one worker and kills them when told, when their time is over, or
/// when the worker is gone. Descriptor 0 is its socket.
int main() {
  ::prctl(PR_SET_NAME, "re-runner");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // The end of the socket tells that the daemon is gone; a stopped runner has to wake up for it.
  ::prctl(PR_SET_PDEATHSIG, SIGCONT);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, SIG_IGN); // Ctrl-C in the daemon's terminal is the daemon's business
  ::close_range(3, ~0U, 0);
  const int socket = ::fcntl(0, F_DUPFD_CLOEXEC, 3);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (socket < 0 || null < 0 || ::dup2(null, 0) < 0)
    return 1;
  expbuild::runner::loop(socket).run();
  return 0;
}
