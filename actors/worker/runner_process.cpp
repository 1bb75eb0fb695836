#include "actors/worker/runner_process.hpp"

#include <boost/process/v2/stdio.hpp>

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace expbuild {

namespace {

using boost::system::error_code;
constexpr auto readable = boost::asio::posix::stream_descriptor::wait_read;

/// Asio tells now and then of a descriptor what one said that had its place before.
bool is_readable(int fd) {
  pollfd now{fd, POLLIN, 0};
  return ::poll(&now, 1, 0) > 0;
}

std::string describe(int status) {
  if (WIFSIGNALED(status))
    return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "exited with code " + std::to_string(WEXITSTATUS(status));
}

} // namespace

runner_process::runner_process(execution_thread::impl& thread, std::string name,
                               std::filesystem::path program)
    : thread_(thread), name_(std::move(name)), program_(std::move(program)), socket_(thread.loop),
      exit_(thread.loop), tree_(thread.loop) {}

absl::Status runner_process::start(on_event events, on_gone gone) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return errno_status(errno, "making the socket of a runner");
  unique_fd ours(ends[0]);
  const unique_fd theirs(ends[1]);
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  vfork_launcher launcher;
  error_code error;
  auto started = launcher.launch(thread_.loop.get_executor(), error, program_.string(),
                                 std::vector<std::string>{},
                                 boost::process::v2::process_stdio{theirs.get(), {}, {}});
  if (error)
    return errno_status(error.value(), "cannot start runner " + program_.string());
  child_ = started.id();
  started.detach(); // it would wait for the end without looking whether there is one
  unique_fd handle(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
  if (!handle) {
    auto status = errno_status(errno, "watching the runner of " + name_);
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    return status;
  }
  exit_.assign(handle.release());
  pid_ = child_;
  thread_.runners.insert(child_);
  events_ = std::move(events);
  gone_ = std::move(gone);
  socket_.assign(ours.release());
  listen();
  watch_exit();
  return absl::OkStatus();
}

absl::Status runner_process::send(const runner::v1::Request& request, std::vector<int> attached) {
  if (runner::send_packet(socket_.native_handle(), request.SerializeAsString(),
                          std::move(attached)))
    return absl::OkStatus();
  auto status = errno_status(errno, "sending a request to the runner of " + name_);
  kill(status);
  return absl::UnavailableError(std::string(status.message()));
}

void runner_process::listen() {
  socket_.async_wait(readable, [me = shared_from_this()](error_code error) {
    if (!error)
      me->take_packets();
  });
}

void runner_process::take_packets() {
  for (;;) {
    runner::v1::Event event;
    std::vector<unique_fd> attached;
    const auto got = receive_event(socket_.native_handle(), event, attached);
    if (got == runner::received::nothing_yet)
      return listen();
    if (got == runner::received::broken)
      return kill(absl::InternalError("the runner of " + name_ + " sent what is no event"));
    if (got == runner::received::end)
      return; // watch_exit tells the rest
    if (event.has_hello()) {
      has_namespaces_ = event.hello().pid_namespaces();
      control_groups_.assign(event.hello().control_groups().begin(),
                             event.hello().control_groups().end());
    }
    error_code ignored;
    if (event.has_started() || event.has_exited())
      tree_.close(ignored); // the runner has reaped it
    if (event.has_started())
      hold_tree(static_cast<pid_t>(event.started().tree_pid()));
    if (events_)
      events_(event, attached.empty() ? unique_fd() : std::move(attached.front()));
  }
}

void runner_process::watch_exit() {
  exit_.async_wait(readable, [me = shared_from_this()](error_code error) {
    int status = 0;
    if (!error && ::waitpid(me->child_, &status, WNOHANG) == 0)
      return me->watch_exit(); // it lives
    me->exited(status);
  });
}

void runner_process::exited(int status) {
  thread_.runners.erase(child_);
  pid_ = 0;
  error_code ignored;
  socket_.close(ignored);
  exit_.close(ignored);
  if (why_.ok())
    why_ = absl::UnavailableError("the runner of " + name_ + " " + describe(status));
  if (!has_namespaces_) {
    thread_.kill_orphans();
    return finish();
  }
  if (const auto orphan = tree_.is_open() ? 0 : thread_.find_orphan(); orphan != 0)
    hold_tree(orphan); // it died before it could tell what it had started
  if (!tree_.is_open())
    return finish();
  watch_tree();
}

void runner_process::hold_tree(pid_t root) {
  const auto fd = ::syscall(SYS_pidfd_open, root, 0);
  if (fd >= 0)
    tree_.assign(static_cast<int>(fd));
}

/// The kernel kills the namespace with its runner; the tree is gone when its root is.
void runner_process::watch_tree() {
  tree_.async_wait(readable, [me = shared_from_this()](error_code error) {
    if (!error && !is_readable(me->tree_.native_handle()))
      return me->watch_tree();
    siginfo_t info{};
    ::waitid(static_cast<idtype_t>(3 /* P_PIDFD */), static_cast<id_t>(me->tree_.native_handle()),
             &info, WEXITED | WNOHANG); // ours to reap: we are the subreaper
    me->finish();
  });
}

void runner_process::finish() {
  error_code ignored;
  tree_.close(ignored);
  events_ = nullptr;
  for (const auto& group : std::exchange(control_groups_, {}))
    ::rmdir(group.c_str()); // it is empty by now; what stays is swept by the next runner
  if (auto gone = std::exchange(gone_, nullptr))
    gone(why_);
}

void runner_process::abandon() {
  gone_ = nullptr;
  events_ = nullptr;
  kill(absl::CancelledError("no longer needed"));
}

void runner_process::kill(absl::Status why) {
  if (why_.ok())
    why_ = std::move(why);
  if (const auto pid = pid_.load(); pid != 0)
    ::kill(static_cast<pid_t>(pid), SIGKILL);
}

} // namespace expbuild
