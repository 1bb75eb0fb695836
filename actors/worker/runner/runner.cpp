#include "actors/worker/runner/runner.hpp"

#include "actors/worker/runner/packet.hpp"
#include "actors/worker/runner/report.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace expbuild::runner {

namespace {

std::int64_t nanoseconds(const timeval& x) {
  return x.tv_sec * 1'000'000'000LL + x.tv_usec * 1'000LL;
}

void tell_end(const tree_report& report, std::uint64_t id, v1::Exited::KilledBy killer,
              v1::Exited& to) {
  to.set_id(id);
  to.set_wait_status(report.value);
  to.set_killed_by(killer);
  to.set_user_time_ns(nanoseconds(report.usage.ru_utime));
  to.set_system_time_ns(nanoseconds(report.usage.ru_stime));
  to.set_max_rss_bytes(report.usage.ru_maxrss * 1024LL);
}

bool was_killed(const tree_report& report) {
  return report.kind == tree_report::exited && WIFSIGNALED(report.value)
         && WTERMSIG(report.value) == SIGKILL;
}

void tell_failure(const tree_report& report, std::uint64_t id, v1::Failed& to) {
  to.set_id(id);
  to.set_error_number(report.value);
  to.set_step(report.step);
  to.set_before_command(report.kind == tree_report::not_prepared);
}

} // namespace

loop::loop(int socket) : socket_(socket), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  watch(socket_);
}

void loop::watch(int fd) {
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.fd = fd;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &interest);
}

void loop::forget(const descriptor& fd) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd.get(), nullptr);
}

/// Without a pid namespace nobody else does: what a command has left behind would stay a zombie
/// that counts as a process, and that a script which stops it and waits for its end sees for ever.
void loop::reap_orphans_from_now_on() {
  sigset_t ended;
  ::sigemptyset(&ended);
  ::sigaddset(&ended, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &ended, nullptr); // commands get their mask back
  children_ = descriptor(::signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK));
  watch(children_.get());
}

/// Of the command itself only the look: its end is told by its pidfd.
void loop::reap_orphans() {
  constexpr int at_a_time = 64; // they must not keep a timeout or a request waiting
  signalfd_siginfo told{};
  [[maybe_unused]] const auto n = ::read(children_.get(), &told, sizeof told);
  for (int i = 0; i < at_a_time; ++i) {
    siginfo_t child{};
    if (::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0 || child.si_pid == 0)
      return;
    if (current_ && child.si_pid == current_->processes.pid)
      return; // whatever is left is killed and reaped with its end
    ::waitpid(child.si_pid, nullptr, 0);
  }
  ::raise(SIGCHLD); // there may be more
}

void loop::run() {
  for (bool connected = true; connected;) {
    epoll_event event{};
    if (::epoll_wait(epoll_, &event, 1, -1) <= 0)
      continue;
    if (event.data.fd == socket_)
      connected = on_request();
    else if (current_ && event.data.fd == current_->processes.pidfd.get())
      on_tree_gone();
    else if (current_ && event.data.fd == current_->timer.get())
      kill(v1::Exited::TIMEOUT);
    else if (children_ && event.data.fd == children_.get())
      reap_orphans();
    else if (house_.container && event.data.fd == house_.container->first_process())
      connected = on_container_gone();
  }
  if (current_)
    kill(v1::Exited::REQUEST);
  kill_remaining_children();
  house_.groups.leave();
}

bool loop::on_request() {
  std::string bytes;
  std::vector<int> attached;
  const auto got = receive_packet(socket_, bytes, attached);
  std::vector<descriptor> streams(attached.begin(), attached.end());
  switch (got) {
  case received::nothing_yet:
    return true;
  case received::message:
    break;
  default:
    return false;
  }
  v1::Request request;
  if (!request.ParseFromString(bytes))
    return false;
  if (request.has_setup())
    set_up(request.setup());
  else if (request.has_start())
    start(request.start(), std::move(streams));
  else if (request.has_kill() && current_ && current_->id == request.kill().id())
    kill(v1::Exited::REQUEST);
  else if (request.has_ping()) {
    v1::Event event;
    event.mutable_pong()->set_number(request.ping().number());
    send(event);
  }
  return true;
}

void loop::set_up(const v1::Setup& request) {
  if (std::exchange(is_set_up_, true))
    return;
  house_ = runner::set_up(request);
  v1::Event event;
  auto& hello = *event.mutable_hello();
  hello.set_pid(static_cast<std::uint32_t>(::getpid()));
  hello.set_pid_namespaces(house_.pid_namespaces);
  hello.mutable_lacks()->Assign(house_.lacks.begin(), house_.lacks.end());
  hello.set_overlays(house_.overlays);
  hello.set_no_overlays(house_.no_overlays);
  for (const auto& group : house_.groups.folders())
    hello.add_control_groups(group);
  if (house_.container)
    watch(house_.container->first_process());
  if (!house_.pid_namespaces)
    reap_orphans_from_now_on();
  send(event);
}

void loop::start(const v1::Start& request, std::vector<descriptor> streams) {
  v1::Event event;
  tree started;
  if (current_ || !is_set_up_) {
    event.mutable_failed()->set_id(request.id());
    event.mutable_failed()->set_error_number(EBUSY);
    return send(event);
  }
  if (!start_tree(request, std::move(streams), house_, started, *event.mutable_failed()))
    return send(event);
  event.mutable_started()->set_id(request.id());
  event.mutable_started()->set_tree_pid(static_cast<std::uint32_t>(started.pid));
  current_.emplace();
  current_->id = request.id();
  current_->memory_kills = house_.memory.kills();
  current_->processes = std::move(started);
  watch(current_->processes.pidfd.get());
  if (request.timeout_ns() > 0)
    arm_timeout(request.timeout_ns());
  send(event);
}

void loop::arm_timeout(std::int64_t ns) {
  current_->timer = descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec when{};
  when.it_value.tv_sec = ns / 1'000'000'000;
  when.it_value.tv_nsec = ns % 1'000'000'000;
  ::timerfd_settime(current_->timer.get(), 0, &when, nullptr);
  watch(current_->timer.get());
}

void loop::kill(v1::Exited::KilledBy why) {
  if (current_->timer)
    forget(current_->timer);
  current_->timer = descriptor();
  if (current_->killed_by == v1::Exited::NOBODY)
    current_->killed_by = why;
  ::syscall(SYS_pidfd_send_signal, current_->processes.pidfd.get(), SIGKILL, nullptr, 0);
}

v1::Exited::KilledBy loop::killer_of(const running& ended, int status) const {
  // It may have ended by itself just before the signal came.
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && ended.killed_by != v1::Exited::NOBODY)
    return ended.killed_by;
  return house_.memory.kills() > ended.memory_kills ? v1::Exited::MEMORY : v1::Exited::NOBODY;
}

/// Its command goes with it, and so do we: the tree is dead when the daemon hears our end.
bool loop::on_container_gone() {
  v1::Event event;
  event.mutable_container_ended();
  send(event);
  return false;
}

void loop::on_tree_gone() {
  const auto ended = *std::exchange(current_, std::nullopt);
  rusage usage{};
  int status = 0;
  ::wait4(ended.processes.pid, &status, 0, &usage);
  forget(ended.processes.pidfd);
  if (ended.timer)
    forget(ended.timer);
  auto report = receive_report(ended.processes.report.get());
  if (!house_.pid_namespaces) {
    if (report.kind == tree_report::exited) { // nobody but us has seen its end
      report.value = status;
      report.usage = usage;
    }
    kill_remaining_children();
  }
  const auto killer = killer_of(ended, report.value);
  if (killer == v1::Exited::NOBODY && was_killed(report) && house_.container
      && house_.container->has_ended())
    return; // with the container, not by itself: the container's end is told
  v1::Event event;
  if (report.kind == tree_report::exited)
    tell_end(report, ended.id, killer, *event.mutable_exited());
  else
    tell_failure(report, ended.id, *event.mutable_failed());
  if (event.exited().killed_by() == v1::Exited::MEMORY)
    event.mutable_exited()->set_memory_peak_bytes(house_.memory.peak_bytes());
  if (event.has_exited() && ended.processes.root)
    return send(event, {ended.processes.root.get()});
  send(event);
}

void loop::send(const v1::Event& event, std::vector<int> attached) {
  send_packet(socket_, event.SerializeAsString(), std::move(attached));
}

void kill_remaining_children() {
  for (;;) {
    bool any = false;
    const auto path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    if (auto* list = std::fopen(path.c_str(), "re")) {
      for (int pid = 0; std::fscanf(list, "%d", &pid) == 1;) {
        ::kill(pid, SIGKILL);
        any = true;
      }
      std::fclose(list);
    }
    if (!any)
      return;
    while (::waitpid(-1, nullptr, any ? 0 : WNOHANG) > 0)
      any = false; // wait for one; its own children, ours from now on, are found above
  }
}

} // namespace expbuild::runner
