#include "actors/worker/runner/command.hpp"

#include "actors/worker/runner/child.hpp"
#include "actors/worker/runner/clone.hpp"
#include "actors/worker/runner/overlay.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

int create_log(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

void tell(const v1::Start& request, v1::Failed& error, const problem& x) {
  error.set_id(request.id());
  error.set_error_number(x.error);
  error.set_step(x.step);
  error.set_before_command(true);
}

/// What the command's tree needs and can not make itself.
problem prepare(child_plan& plan, tree& started) {
  plan.out = descriptor(create_log(plan.request.stdout_path()));
  if (plan.out)
    plan.err = descriptor(create_log(plan.request.stderr_path()));
  if (!plan.err)
    return failed("creating the files for stdout and stderr");
  if (plan.request.has_overlay()) {
    errno = EOPNOTSUPP;
    if (!plan.house.pid_namespaces)
      return failed("mounting an overlay without a mount namespace");
    if (auto x = make_overlay(plan.request.overlay(), plan.house.user_namespace, started.root))
      return x;
    plan.root = started.root.get();
  }
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return failed("making a pipe");
  started.report = descriptor(ends[0]);
  plan.report = descriptor(ends[1]);
  return {};
}

} // namespace

bool start_tree(const v1::Start& request, const sandbox& house, tree& started, v1::Failed& error) {
  child_plan plan(request, house);
  auto trouble = prepare(plan, started);
  if (!trouble) {
    int pidfd = -1;
    started.pid = clone_with_pidfd(house.pid_namespaces ? CLONE_NEWPID | CLONE_NEWNS : 0, pidfd);
    if (started.pid == 0)
      run_child(plan);
    if (started.pid < 0)
      trouble = failed("starting a process");
    started.pidfd = descriptor(pidfd);
  }
  if (trouble)
    tell(request, error, trouble);
  return !trouble;
}

} // namespace expbuild::runner
