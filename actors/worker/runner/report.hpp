#pragma once
#include "actors/worker/runner/problem.hpp"

#include <csignal>
#include <cstring>
#include <sys/resource.h>
#include <unistd.h>

namespace expbuild::runner {

/// What a process of ours says to the runner, in one write, at its end.
struct tree_report {
  enum : int { done = 0, exited = 1, not_started = 2, not_prepared = 3 };
  int kind = done;
  int value = 0; ///< wait status of the command, or errno
  rusage usage{};
  char step[160] = {}; ///< what was being done when it went wrong
};

inline tree_report report_of(const problem& x, int kind = tree_report::not_prepared) {
  tree_report report;
  report.kind = x ? kind : static_cast<int>(tree_report::done);
  report.value = x.error;
  std::strncpy(report.step, x.step.c_str(), sizeof report.step - 1);
  return report;
}

inline void send_report(int fd, const tree_report& report) {
  [[maybe_unused]] const auto n = ::write(fd, &report, sizeof report);
}

/// Killed without a word when there is none.
inline tree_report receive_report(int fd) {
  tree_report report;
  if (::read(fd, &report, sizeof report) == static_cast<ssize_t>(sizeof report))
    return report;
  report = {};
  report.kind = tree_report::exited;
  report.value = SIGKILL; // as a wait status
  return report;
}

/// Of something that should have been done.
inline problem problem_in(const tree_report& report) {
  if (report.kind == tree_report::done)
    return {};
  if (report.kind == tree_report::exited)
    return {ECHILD, "a process ended too early"};
  return {report.value, report.step};
}

} // namespace expbuild::runner
