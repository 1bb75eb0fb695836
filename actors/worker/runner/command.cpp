#include "actors/worker/runner/command.hpp"

#include "actors/worker/runner/child.hpp"
#include "actors/worker/runner/clone.hpp"
#include "actors/worker/runner/overlay.hpp"
#include "actors/worker/runner/report.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

/// The command may open it again, as /dev/stdout: it is its own, and whoever writes appends.
problem create_log(const std::string& path, const child_plan& plan, descriptor& log) {
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  log = descriptor(::open(path.c_str(), flags, 0600));
  if (!log || (plan.house.root && ::fchown(log.get(), plan.request.uid(), plan.request.gid()) != 0))
    return failed("creating " + path);
  return {};
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
  plan.at = root_of(plan.request);
  return plan.house.file_tree ? make_place(*plan.house.file_tree, plan.at, started.place)
                              : problem{};
}

problem make_report_pipe(child_plan& plan, tree& started) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return failed("making a pipe");
  started.report = descriptor(ends[0]);
  plan.report = descriptor(ends[1]);
  return {};
}

problem open_logs(child_plan& plan) {
  if (auto x = create_log(plan.request.stdout_path(), plan, plan.out))
    return x;
  return create_log(plan.request.stderr_path(), plan, plan.err);
}

problem clone_tree(child_plan& plan, tree& started) {
  std::uint64_t flags = 0;
  if (plan.house.pid_namespaces)
    flags |= CLONE_NEWPID | (plan.house.file_tree ? CLONE_NEWIPC : CLONE_NEWNS);
  int pidfd = -1;
  started.pid = clone_with_pidfd(flags, pidfd);
  if (started.pid == 0)
    run_child(plan);
  if (started.pid < 0)
    return failed("starting a process");
  started.pidfd = descriptor(pidfd);
  return {};
}

problem start(child_plan& plan, tree& started) {
  if (auto x = mount_root(plan, started))
    return x;
  if (auto x = make_report_pipe(plan, started))
    return x;
  return clone_tree(plan, started);
}

} // namespace

bool start_tree(const v1::Start& request, sandbox& house, tree& started, v1::Failed& error) {
  child_plan plan(request, house);
  auto trouble = house.network ? house.network->renew_if_used() : problem{};
  if (!trouble)
    trouble = open_logs(plan);
  if (!trouble)
    trouble = start(plan, started);
  if (!trouble)
    return true;
  clear_place(house, started);
  error.set_id(request.id());
  error.set_error_number(trouble.error);
  error.set_step(trouble.step);
  error.set_before_command(true);
  return false;
}

void clear_place(const sandbox& house, const tree& ended) {
  if (house.file_tree)
    remove_place(*house.file_tree, ended.place);
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
  clear_place(house, started);
  return found;
}

} // namespace expbuild::runner
