#pragma once
#include "actors/worker/host_sandbox.hpp"
#include "storage/posix.hpp"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace expbuild {

/// Inputs as a read-only tree, with a writable one on top; absolute paths. `lower` is never
/// written. `upper` and `work` are folders of one filesystem, owned by the command's user, used
/// once: the mount leaves entries without permissions in both (remove_tree removes them). `at`
/// is an empty folder: where the command sees the whole.
struct overlay_spec {
  std::filesystem::path lower;
  std::filesystem::path upper;
  std::filesystem::path work;
  std::filesystem::path at;
};

/// One command, ready to start: its inputs are staged, the parents of its outputs exist.
struct command_spec {
  std::vector<std::string> arguments; ///< arguments[0] without a slash is looked up in PATH
  std::vector<std::pair<std::string, std::string>> environment; ///< exactly this
  std::filesystem::path directory; ///< absolute: input root plus working_directory
  /// Absolute: the only folder of the host that the command may write to; empty: `directory`. In
  /// a private root the command sees it as /build.
  std::filesystem::path root = {};
  std::filesystem::path stdout_path; ///< absolute; emptied or made by the executor
  std::filesystem::path stderr_path;
  std::chrono::nanoseconds timeout{0}; ///< of the command alone; 0: none
  std::string image = {}; ///< for an executor that has a choice: another one than its own
  /// Mounted before the command starts; only where host_abilities say so (UNAVAILABLE otherwise).
  std::optional<overlay_spec> overlay = std::nullopt;
};

/// How a command ended, whatever its exit code. Its process tree is dead.
struct command_ended {
  enum class reason { exited, timed_out, stopped, out_of_memory };
  /// out_of_memory: the limit killed one of its processes at least, whatever its exit code says.
  reason why = reason::exited;
  int exit_code = 0; ///< a signal n is 128 + n
  std::chrono::system_clock::time_point started_at;
  std::chrono::system_clock::time_point ended_at;
  std::chrono::nanoseconds user_time{0};
  std::chrono::nanoseconds system_time{0};
  std::int64_t max_rss_bytes = 0;
  /// With out_of_memory: the most that all its processes used at once (0: unknown), and the limit
  /// as the configuration says it.
  std::int64_t memory_peak_bytes = 0;
  std::string memory_limit = {};
  /// The merged tree of the overlay, to open things beneath; null when none was asked for. The
  /// mount, which is attached nowhere, lives as long as this: let go before removing its folders.
  std::shared_ptr<const unique_fd> root = nullptr;
};

/// The seam of execution: *run this command in this directory under these limits, tell me when it
/// ended.* One executor serves one worker, one command at a time. All functions may be called
/// from any thread and return at once; callbacks run on the executor's own thread and must not
/// block (send a message).
class executor {
public:
  using on_ready = std::function<void(absl::Status)>;
  using on_ended = std::function<void(absl::StatusOr<command_ended>)>;
  using on_lost = std::function<void(absl::Status)>;

  /// Kills what still runs, then lets go. No callback runs after the destructor has returned.
  virtual ~executor() = default;

  /// Prepares whatever commands run in (a runner process, a container). `ready` runs once; `lost`
  /// runs at most once, when the executor can run nothing more, after the process tree of a
  /// running command is known dead; its `on_ended` is not called then. UNAVAILABLE says why,
  /// also when the system does not give the isolation that the options ask for;
  /// FAILED_PRECONDITION: something outside must change first, as an image that is nowhere.
  virtual void open(on_ready ready, on_lost lost) = 0;

  /// Runs one command. INVALID_ARGUMENT in `ended` when it can not be started ("cannot start gcc:
  /// No such file or directory"); any exit code is a result, not an error. A timeout or a stop
  /// kills the whole process tree, daemons included, and keeps the output so far.
  virtual void start(command_spec command, on_ended ended) = 0;

  /// Kills the running command; its `ended` says `stopped`. Nothing happens when none runs.
  virtual void stop() = 0;

  /// `answer` runs with OK when the executor is able to run commands.
  virtual void check_health(on_ready answer) = 0;

  /// Process id of what it runs commands in; 0 while there is none. For operators and tests.
  virtual std::int64_t pid() const = 0;
};

/// The thread on which executors talk to their processes. Outlives all executors made from it.
class execution_thread {
public:
  execution_thread();
  ~execution_thread(); ///< stops and joins
  execution_thread(const execution_thread&) = delete;
  execution_thread& operator=(const execution_thread&) = delete;

  struct impl;
  impl& get() noexcept { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

/// Whom actions run as.
struct run_as {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct host_executor_options {
  std::filesystem::path runner; ///< the program re-runner
  run_as identity;              ///< switched to when the daemon is root
  std::string name;             ///< for logs: the worker's name
  host_sandbox sandbox = {};
};

/// Commands as processes of this host, started by a runner process of their own: the daemon never
/// forks (see docs/decisions).
std::unique_ptr<executor> make_host_executor(execution_thread& thread,
                                             host_executor_options options);

} // namespace expbuild
