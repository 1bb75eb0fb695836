#include "actors/worker/execution_thread_impl.hpp"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace expbuild {

namespace {

/// Children of every thread of this process.
std::vector<pid_t> children_of_ours() {
  std::vector<pid_t> found;
  std::error_code error;
  for (std::filesystem::directory_iterator task("/proc/self/task", error);
       !error && task != end(task); task.increment(error)) {
    std::ifstream list(task->path() / "children");
    for (pid_t pid = 0; list >> pid;)
      found.push_back(pid);
  }
  return found;
}

} // namespace

execution_thread::impl::impl() : work(boost::asio::make_work_guard(loop)) {
  for (const auto pid : children_of_ours())
    strangers.insert(pid);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  thread = std::thread([this] { loop.run(); });
  ::pthread_setname_np(thread.native_handle(), "execution");
}

/// The loop ends when the last runner is reaped: nothing of ours stays behind.
execution_thread::impl::~impl() {
  work.reset();
  thread.join();
}

pid_t execution_thread::impl::find_orphan() const {
  for (const auto pid : children_of_ours())
    if (!runners.contains(pid) && !strangers.contains(pid))
      return pid;
  return 0;
}

void execution_thread::impl::kill_orphans() const {
  for (bool any = true; any;) {
    any = false;
    for (const auto pid : children_of_ours()) {
      if (runners.contains(pid) || strangers.contains(pid))
        continue;
      ::kill(pid, SIGKILL);
      any = ::waitpid(pid, nullptr, 0) == pid || any;
    }
  }
}

execution_thread::execution_thread() : impl_(std::make_unique<impl>()) {}
execution_thread::~execution_thread() = default;

} // namespace expbuild
