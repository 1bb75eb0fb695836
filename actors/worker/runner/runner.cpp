#include "actors/worker/runner/runner.hpp"

#include "actors/worker/runner/packet.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

std::int64_t nanoseconds(const timeval& x) {
  return x.tv_sec * 1'000'000'000LL + x.tv_usec * 1'000LL;
}

/// What the tree's root reported; killed without a word when the pipe is empty.
tree_report read_report(int fd) {
  tree_report report;
  if (::read(fd, &report, sizeof report) == static_cast<ssize_t>(sizeof report))
    return report;
  report = {};
  report.kind = tree_report::exited;
  report.value = SIGKILL; // as a wait status: killed by signal 9
  return report;
}

} // namespace

loop::loop(int socket) : socket_(socket), epoll_(::epoll_create1(EPOLL_CLOEXEC)), can_(probe()) {
  watch(socket_);
  v1::Event event;
  event.mutable_hello()->set_pid(static_cast<std::uint32_t>(::getpid()));
  event.mutable_hello()->set_pid_namespaces(can_.pid_namespaces);
  event.mutable_hello()->set_note(can_.note);
  send(event);
}

void loop::watch(int fd) {
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.fd = fd;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &interest);
}

void loop::forget(int fd) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  ::close(fd);
}

void loop::run() {
  for (bool connected = true; connected;) {
    epoll_event event{};
    if (::epoll_wait(epoll_, &event, 1, -1) <= 0)
      continue;
    if (event.data.fd == socket_)
      connected = on_request();
    else if (current_ && event.data.fd == current_->processes.pidfd)
      on_tree_gone();
    else if (current_ && event.data.fd == current_->timer)
      kill(v1::Exited::TIMEOUT);
  }
  if (current_)
    kill(v1::Exited::REQUEST);
  kill_remaining_children();
}

bool loop::on_request() {
  std::string bytes;
  switch (receive_packet(socket_, bytes)) {
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
  if (request.has_start())
    start(request.start());
  else if (request.has_kill() && current_ && current_->id == request.kill().id())
    kill(v1::Exited::REQUEST);
  else if (request.has_ping()) {
    v1::Event event;
    event.mutable_pong()->set_number(request.ping().number());
    send(event);
  }
  return true;
}

void loop::start(const v1::Start& request) {
  v1::Event event;
  tree started;
  if (current_) {
    event.mutable_failed()->set_id(request.id());
    event.mutable_failed()->set_error_number(EBUSY);
    return send(event);
  }
  if (!start_tree(request, can_, started, *event.mutable_failed()))
    return send(event);
  current_ = running{};
  current_->id = request.id();
  current_->processes = started;
  watch(started.pidfd);
  if (request.timeout_ns() > 0)
    arm_timeout(request.timeout_ns());
  event.mutable_started()->set_id(request.id());
  event.mutable_started()->set_tree_pid(static_cast<std::uint32_t>(started.pid));
  send(event);
}

void loop::arm_timeout(std::int64_t ns) {
  current_->timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  itimerspec when{};
  when.it_value.tv_sec = ns / 1'000'000'000;
  when.it_value.tv_nsec = ns % 1'000'000'000;
  ::timerfd_settime(current_->timer, 0, &when, nullptr);
  watch(current_->timer);
}

void loop::kill(v1::Exited::KilledBy why) {
  if (current_->timer >= 0)
    forget(current_->timer);
  current_->timer = -1;
  if (current_->killed_by == v1::Exited::NOBODY)
    current_->killed_by = why;
  ::syscall(SYS_pidfd_send_signal, current_->processes.pidfd, SIGKILL, nullptr, 0);
}

void loop::on_tree_gone() {
  auto ended = *current_;
  current_.reset();
  rusage usage{};
  int status = 0;
  ::wait4(ended.processes.pid, &status, 0, &usage);
  forget(ended.processes.pidfd);
  if (ended.timer >= 0)
    forget(ended.timer);
  auto report = read_report(ended.processes.report);
  ::close(ended.processes.report);
  if (!can_.pid_namespaces) {
    if (report.kind == tree_report::exited) { // nobody but us has seen its end
      report.value = status;
      report.usage = usage;
    }
    kill_remaining_children();
  }
  v1::Event event;
  if (report.kind == tree_report::not_started) {
    event.mutable_failed()->set_id(ended.id);
    event.mutable_failed()->set_error_number(report.value);
    event.mutable_failed()->set_step(report.step);
    return send(event);
  }
  auto& exited = *event.mutable_exited();
  exited.set_id(ended.id);
  exited.set_wait_status(report.value);
  // It may have ended by itself just before the signal came.
  exited.set_killed_by(WIFSIGNALED(report.value) && WTERMSIG(report.value) == SIGKILL
                           ? ended.killed_by
                           : v1::Exited::NOBODY);
  exited.set_user_time_ns(nanoseconds(report.usage.ru_utime));
  exited.set_system_time_ns(nanoseconds(report.usage.ru_stime));
  exited.set_max_rss_bytes(report.usage.ru_maxrss * 1024LL);
  send(event);
}

void loop::send(const v1::Event& event) {
  send_packet(socket_, event.SerializeAsString());
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
