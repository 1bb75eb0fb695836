#include "actors/worker/runner/command.hpp"

#include "actors/worker/runner/child.hpp"
#include "actors/worker/runner/clone.hpp"
#include "actors/worker/runner/overlay.hpp"
#include "actors/worker/runner/private_root.hpp"
#include "actors/worker/runner/report.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

/// A file that only the command's user can open again, as /dev/stdout. Whoever writes appends.
problem make_own(int log, const struct stat& facts, const child_plan& plan) {
  const bool is_its_own = !plan.house.root || facts.st_uid == plan.request.uid();
  if (!is_its_own && ::fchown(log, plan.request.uid(), plan.request.gid()) != 0)
    return failed("giving a log to the command's user");
  if ((facts.st_mode & 07777) != 0600 && ::fchmod(log, 0600) != 0)
    return failed("setting the mode of a log");
  return facts.st_size == 0 || ::ftruncate(log, 0) == 0 ? problem{} : failed("emptying a log");
}

/// The same file for every command of this worker: making one can cost more than the command. What
/// is no plain file, or has a second name, is none of ours: it goes, and a new one is made.
problem open_log(const std::string& path, const child_plan& plan, descriptor& log) {
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  for (bool again = true;; again = false) {
    log = descriptor(::open(path.c_str(), flags, 0600));
    struct stat facts {};
    if (log && ::fstat(log.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 1)
      return make_own(log.get(), facts, plan);
    if (!again || ::unlink(path.c_str()) != 0)
      return failed("opening " + path);
  }
}

const std::string& root_of(const v1::Start& request) {
  if (request.has_overlay())
    return request.overlay().at();
  return request.root().empty() ? request.directory() : request.root();
}

problem mount_root(child_plan& plan, tree& started) {
  if (plan.request.has_overlay()) {
    if (!plan.house.pid_namespaces)
      return {EOPNOTSUPP, "mounting an overlay without a mount namespace"};
    if (auto x = make_overlay(plan.request.overlay(), plan.house.user_namespace, started.root))
      return x;
    plan.root = started.root.get();
  } else if (plan.house.file_tree) {
    if (auto x = bind_folder(root_of(plan.request), plan.bound))
      return x;
    plan.root = plan.bound.get();
  }
  return {};
}

/// Where the command finds itself: with a private root its folder is in another place than the
/// host's.
void place_command(child_plan& plan) {
  const auto& root = root_of(plan.request);
  const auto& start = plan.request.directory();
  plan.at = plan.house.file_tree ? std::string(own_place) : root;
  plan.directory = start.rfind(root, 0) == 0 ? plan.at + start.substr(root.size()) : start;
}

problem make_report_pipe(child_plan& plan, tree& started) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return failed("making a pipe");
  started.report = descriptor(ends[0]);
  plan.report = descriptor(ends[1]);
  return {};
}

problem open_logs(child_plan& plan, std::vector<descriptor>& streams) {
  if (streams.size() == 2) {
    plan.out = std::move(streams[0]);
    plan.err = std::move(streams[1]);
    return {};
  }
  if (auto x = open_log(plan.request.stdout_path(), plan, plan.out))
    return x;
  return open_log(plan.request.stderr_path(), plan, plan.err);
}

/// The runner takes its SIGCHLD from a descriptor.
void hear_all_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

problem clone_tree(child_plan& plan, tree& started) {
  std::uint64_t flags = 0;
  if (plan.house.pid_namespaces)
    flags |= CLONE_NEWPID | (plan.house.file_tree ? CLONE_NEWIPC : CLONE_NEWNS);
  int pidfd = -1;
  started.pid = clone_with_pidfd(flags, pidfd);
  if (started.pid == 0) {
    hear_all_signals();
    run_child(plan);
  }
  if (started.pid < 0)
    return failed("starting a process");
  started.pidfd = descriptor(pidfd);
  return {};
}

problem start(child_plan& plan, tree& started) {
  place_command(plan);
  if (auto x = mount_root(plan, started))
    return x;
  if (auto x = make_report_pipe(plan, started))
    return x;
  return clone_tree(plan, started);
}

} // namespace

bool start_tree(const v1::Start& request, std::vector<descriptor> streams, sandbox& house,
                tree& started, v1::Failed& error) {
  child_plan plan(request, house);
  auto trouble = house.network ? house.network->renew_if_used() : problem{};
  if (!trouble)
    trouble = open_logs(plan, streams);
  if (!trouble)
    trouble = start(plan, started);
  if (!trouble)
    return true;
  error.set_id(request.id());
  error.set_error_number(trouble.error);
  error.set_step(trouble.step);
  error.set_before_command(true);
  return false;
}

problem try_command(const sandbox& house) {
  v1::Start request;
  request.add_arguments("/bin/true");
  request.set_directory(house.asked.scratch().empty() ? "/tmp" : house.asked.scratch());
  request.set_uid(::getuid());
  request.set_gid(::getgid());
  child_plan plan(request, house);
  plan.only_try = true;
  plan.out = descriptor(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  plan.err = descriptor(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  tree started;
  auto found = start(plan, started);
  plan.report = descriptor();
  if (!found) {
    const auto report = receive_report(started.report.get());
    ::waitpid(started.pid, nullptr, 0);
    if (report.kind != tree_report::exited || report.value != 0)
      found = {report.value,
               report.kind == tree_report::exited ? "starting a process" : report.step};
  }
  return found;
}

} // namespace expbuild::runner
