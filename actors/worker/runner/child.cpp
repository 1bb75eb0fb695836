#include "actors/worker/runner/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

[[noreturn]] void give_up(const child_plan& plan, const std::string& step,
                          int kind = tree_report::not_prepared) {
  tree_report report;
  report.kind = kind;
  report.value = errno;
  std::strncpy(report.step, step.c_str(), sizeof report.step - 1);
  [[maybe_unused]] const auto n = ::write(plan.report.get(), &report, sizeof report);
  ::_exit(127);
}

/// A /proc that shows the namespace's processes. Where a container masks /proc the kernel refuses:
/// then the old one stays, which is only less tidy.
void mount_own_proc() {
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

void attach_overlay(const child_plan& plan) {
  if (::move_mount(plan.root, "", AT_FDCWD, plan.request.overlay().at().c_str(),
                   MOVE_MOUNT_F_EMPTY_PATH)
      != 0)
    give_up(plan, "mounting the overlay of the inputs");
}

void become(const child_plan& plan) {
  if (!plan.house.root)
    return;
  const auto uid = plan.request.uid();
  const auto gid = plan.request.gid();
  if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0
      || ::setresuid(uid, uid, uid) != 0)
    give_up(plan, "switching to uid " + std::to_string(uid) + " and gid " + std::to_string(gid));
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
  errno = error;
  give_up(plan, "", tree_report::not_started);
}

[[noreturn]] void run_command(const child_plan& plan) {
  ::setsid();
  ::umask(022);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(plan.out.get(), 1) < 0
      || ::dup2(plan.err.get(), 2) < 0)
    give_up(plan, "connecting stdin, stdout and stderr");
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  become(plan);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL); // after the switch: setresuid clears it
  if (::chdir(plan.request.directory().c_str()) != 0)
    give_up(plan, "entering the working directory", tree_report::not_started);
  exec_first(plan);
}

[[noreturn]] void run_init(const child_plan& plan) {
  const auto command = ::fork();
  if (command < 0)
    give_up(plan, "starting a process");
  if (command == 0)
    run_command(plan);
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
  [[maybe_unused]] const auto n = ::write(plan.report.get(), &report, sizeof report);
  ::_exit(0);
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
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!plan.house.pid_namespaces)
    run_command(plan);
  mount_own_proc();
  if (plan.root >= 0)
    attach_overlay(plan);
  run_init(plan);
}

} // namespace expbuild::runner
