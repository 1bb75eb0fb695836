#pragma once
#include <boost/optional.hpp> // Boost.Process 1.81 uses it without saying so
#include <boost/process/v2.hpp>
#include <boost/process/v2/posix/default_launcher.hpp>

#include <sys/wait.h>
#include <unistd.h>

namespace expbuild {

/// Starts a child by vfork, so that the daemon's memory is never copied. Boost 1.81 ships launchers
/// that fork (tens of milliseconds a gigabyte) and one that vforks but then tells Asio to rebuild
/// its descriptors, in the child, in memory that the parent shares. This one does neither. Call
/// `launch`: the inherited call operator forks.
struct vfork_launcher : boost::process::v2::posix::default_launcher {
  template <class Executor, class Arguments, class... Initializers>
  boost::process::v2::basic_process<Executor>
  launch(Executor executor, boost::process::v2::error_code& error,
         const boost::process::v2::filesystem::path& program, Arguments&& arguments,
         Initializers&&... initializers) {
    namespace steps = boost::process::v2::posix::detail;
    using process_type = boost::process::v2::basic_process<Executor>;
    auto argv = this->build_argv_(program, std::forward<Arguments>(arguments));
    error = steps::on_setup(*this, program, argv, initializers...);
    if (error) {
      steps::on_error(*this, program, argv, error, initializers...);
      return process_type(executor);
    }
    pid = ::vfork();
    if (pid == 0) {
      error = steps::on_exec_setup(*this, program, argv, initializers...);
      if (!error)
        ::execve(program.c_str(), const_cast<char* const*>(argv), const_cast<char* const*>(env));
      error.assign(errno, boost::process::v2::system_category());
      ::_exit(127);
    }
    if (pid < 0) {
      error.assign(errno, boost::process::v2::system_category());
      steps::on_fork_error(*this, program, argv, error, initializers...);
      return process_type(executor);
    }
    if (error) { // exec failed: the child said so through the memory that we shared
      ::waitpid(pid, nullptr, 0);
      steps::on_error(*this, program, argv, error, initializers...);
      return process_type(executor);
    }
    process_type started(executor, pid);
    steps::on_success(*this, program, argv, error, initializers...);
    return started;
  }
};

} // namespace expbuild
