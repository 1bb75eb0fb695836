#include "actors/worker/runner/child.hpp"

#include "actors/worker/runner/privileges.hpp"
#include "actors/worker/runner/report.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

/// Where `program` may be: itself when it has a slash, else every folder of the command's PATH.
std::vector<std::string> candidates_of(const v1::Start& request) {
  const auto& program = request.arguments(0);
  if (program.find('/') != std::string::npos)
    return {program};
  std::string path;
  for (const auto& x : request.environment())
    if (x.name() == "PATH")
      path = x.value();
  std::vector<std::string> found;
  for (std::size_t from = 0; from <= path.size();) {
    const auto colon = std::min(path.find(':', from), path.size());
    const auto folder = path.substr(from, colon - from);
    found.push_back((folder.empty() ? "." : folder) + "/" + program);
    from = colon + 1;
  }
  return found;
}

[[noreturn]] void give_up(const child_plan& plan, const problem& x,
                          int kind = tree_report::not_prepared) {
  send_report(plan.report.get(), report_of(x, kind));
  ::_exit(127);
}

/// Goes on only when nothing went wrong.
void need(const child_plan& plan, const problem& x) {
  if (x)
    give_up(plan, x);
}

/// A /proc that shows the namespace's processes. Where a container masks /proc the kernel refuses:
/// then the old one stays, which is only less tidy.
void mount_own_proc() {
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

/// On the host's file tree.
problem attach_overlay(const child_plan& plan) {
  if (plan.root < 0
      || ::move_mount(plan.root, "", AT_FDCWD, plan.at.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0)
    return {};
  return failed("mounting the overlay of the inputs");
}

problem enter_own_root(const child_plan& plan) {
  const auto& house = plan.house;
  const auto& writable = house.asked.container().writable_paths();
  return enter_private_root({.mounts = house.file_tree->mounts.get(),
                             .of_container = house.file_tree->of_container,
                             .writable_paths = {writable.begin(), writable.end()},
                             .own_root = plan.root,
                             .tmp_bytes = house.asked.max_tmp_bytes(),
                             .read_only_proc = house.root && plan.request.uid() == 0});
}

/// Another process may still hold the program open for writing for an instant, through a copied
/// descriptor: a few short waits settle it.
void exec_patiently(const child_plan& plan, const char* path) {
  for (int attempt = 0; attempt < 6; ++attempt) {
    ::execve(path, plan.argv.data(), plan.envp.data());
    if (errno != ETXTBSY)
      return;
    const timespec pause{0, 500'000L << attempt};
    ::nanosleep(&pause, nullptr);
  }
}

[[noreturn]] void exec_first(const child_plan& plan) {
  int error = ENOENT;
  for (const auto& path : plan.candidates) {
    exec_patiently(plan, path.c_str());
    if (errno != ENOENT && errno != ENOTDIR)
      error = errno; // found, but unusable: worth telling if no other one works
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
      break;
  }
  give_up(plan, {error, ""}, tree_report::not_started);
}

problem connect_streams(const child_plan& plan) {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(plan.out.get(), 1) < 0
      || ::dup2(plan.err.get(), 2) < 0)
    return failed("connecting stdin, stdout and stderr");
  return {};
}

/// From here on this process is the command's user, for good.
void give_up_rights(const child_plan& plan) {
  const auto& house = plan.house;
  need(plan, limit_resources(house.asked.max_output_bytes(),
                             house.processes_by_rlimit ? house.asked.max_processes() : 0));
  if (house.root)
    need(plan, become(plan.request.uid(), plan.request.gid()));
  if (house.file_tree)
    need(plan, drop_capabilities());
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL); // after the switch: setresuid clears it
}

/// What the runner ignores for itself would be ignored through every exec: `yes | head -1` would
/// never end.
void notice_signals() {
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
}

[[noreturn]] void run_command(const child_plan& plan) {
  notice_signals();
  ::setsid();
  ::umask(022);
  need(plan, connect_streams(plan));
  give_up_rights(plan);
  if (::chdir(plan.directory.c_str()) != 0)
    give_up(plan, failed("entering the working directory"), tree_report::not_started);
  if (plan.house.filter)
    need(plan, plan.house.filter->install());
  if (plan.only_try)
    ::_exit(0);
  exec_first(plan);
}

/// A descendant can neither look into this process nor use what it may do.
void be_harmless(const child_plan& plan) {
  ::prctl(PR_SET_DUMPABLE, 0);
  need(plan, drop_capabilities());
}

[[noreturn]] void run_init(const child_plan& plan) {
  // It borrows our memory until it executes the command: a copy would cost as much as all the rest.
  const auto command = ::vfork();
  if (command < 0)
    give_up(plan, failed("starting a process"));
  if (command == 0)
    run_command(plan);
  if (plan.house.file_tree)
    be_harmless(plan);
  tree_report report;
  report.kind = tree_report::exited;
  for (;;) {
    const auto pid = ::wait4(-1, &report.value, 0, &report.usage);
    if (pid == command)
      break;
    if (pid < 0 && errno != EINTR)
      ::_exit(1);
  }
  // A command that never started has reported so itself; the runner reads the first report only.
  send_report(plan.report.get(), report);
  ::_exit(0);
}

/// The signal of a parent that was already gone when we asked for it never comes.
void die_with_runner(const child_plan& plan) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd runner{plan.house.self.get(), POLLIN, 0};
  if (::poll(&runner, 1, 0) != 0)
    ::_exit(127);
}

/// We inherited the runner's, which the memory limit spares.
void take_memory_score(const std::string& score) {
  ::prctl(PR_SET_DUMPABLE, 1); // else the file is root's; the runner in a container is not
  const descriptor file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  [[maybe_unused]] const auto n = ::write(file.get(), score.data(), score.size());
}

} // namespace

child_plan::child_plan(const v1::Start& start, const sandbox& made)
    : request(start), house(made), candidates(candidates_of(start)) {
  for (const auto& x : request.environment())
    environment.push_back(x.name() + "=" + x.value());
  for (const auto& x : request.arguments())
    argv.push_back(const_cast<char*>(x.c_str()));
  for (auto& x : environment)
    envp.push_back(x.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
}

void run_child(child_plan& plan) {
  die_with_runner(plan);
  if (!plan.house.memory_score.empty())
    take_memory_score(plan.house.memory_score);
  if (!plan.house.pid_namespaces)
    run_command(plan);
  if (plan.house.file_tree) {
    ::umask(0);
    need(plan, enter_own_root(plan));
  } else {
    mount_own_proc();
    need(plan, attach_overlay(plan));
  }
  run_init(plan);
}

} // namespace expbuild::runner
