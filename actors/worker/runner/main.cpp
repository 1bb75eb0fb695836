#include "actors/worker/runner/runner.hpp"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

void begin() {
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
}

/// Nothing that runs in the same container, as the same user, can look into this process.
int connect_to(const char* path) {
  ::prctl(PR_SET_DUMPABLE, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (socket < 0
      || ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("re-runner: connecting to the daemon");
    return -1;
  }
  return socket;
}

/// Keeps a container alive until it is told to go, which the first process of one ignores unless
/// it says otherwise.
[[noreturn]] void idle() {
  std::signal(SIGCHLD, SIG_IGN); // orphans go without a trace
  std::signal(SIGTERM, [](int) { ::_exit(0); });
  for (;;)
    ::pause();
}

} // namespace

/// re-runner: starts actions for one worker and kills them when told, when their time is over, or
/// when the worker is gone. Descriptor 0 is its socket. As the first process of a container:
/// re-runner --connect SOCKET serves the worker that listens there, re-runner --idle does nothing.
int main(int argc, char** argv) {
  begin();
  if (argc == 2 && std::strcmp(argv[1], "--idle") == 0)
    idle();
  const bool connects = argc == 3 && std::strcmp(argv[1], "--connect") == 0;
  const int socket = connects ? connect_to(argv[2]) : ::fcntl(0, F_DUPFD_CLOEXEC, 3);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (socket < 0 || null < 0 || ::dup2(null, 0) < 0)
    return 1;
  expbuild::runner::loop(socket).run();
  return 0;
}
