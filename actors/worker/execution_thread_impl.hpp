#pragma once
#include "actors/worker/executor.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <set>
#include <sys/types.h>
#include <thread>

namespace expbuild {

/// One Asio loop on one thread. Everything in it belongs to that thread.
struct execution_thread::impl {
  impl();
  ~impl();

  boost::asio::io_context loop{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  /// Runners that live: children of ours that are no orphans.
  std::set<pid_t> runners;
  /// Children that were there before us: of whoever became this process by exec.
  std::set<pid_t> strangers;
  std::thread thread;

  /// A child of this process that is no runner: what a runner that died had just started. 0: none.
  pid_t find_orphan() const;

  /// Kills and reaps children of this process that are no runners: what a runner without pid
  /// namespaces left behind when it died. They come to us because we are their subreaper.
  void kill_orphans() const;
};

} // namespace expbuild
