#pragma once
#include "actors/worker/executor.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <future>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace expbuild::test {

/// The runner beside this program, if there is one: the tests may have been copied to where another
/// user can reach them.
inline std::string runner_program() {
  const auto beside = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "re-runner";
  return std::filesystem::exists(beside) ? beside.string() : RE_RUNNER;
}

constexpr auto patience = std::chrono::seconds(100); // of what must happen

/// A promise that a callback keeps, and that a test waits for with a limit.
template <class T>
struct box {
  std::shared_ptr<std::promise<T>> promise = std::make_shared<std::promise<T>>();
  std::future<T> future = promise->get_future();

  std::function<void(T)> callback() {
    return [p = promise](T x) { p->set_value(std::move(x)); };
  }
  bool empty() { return future.wait_for(std::chrono::seconds(0)) != std::future_status::ready; }
  T get() {
    CAF_REQUIRE(future.wait_for(patience) == std::future_status::ready);
    return future.get();
  }
};

using ended_box = box<absl::StatusOr<command_ended>>;

/// Real processes through the real runner; as nobody when the tests run as root.
struct host_fixture {
  temporary_folder folder;
  execution_thread thread;
  std::unique_ptr<executor> sut;
  host_sandbox sandbox; ///< for the next `open`
  box<absl::Status> lost;
  int count = 0;
  std::filesystem::path out;
  std::filesystem::path err;

  host_fixture() {
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0777));
    sandbox.scratch = folder.path();
    CAF_REQUIRE_EQUAL(open(runner_program()), absl::OkStatus());
  }

  ~host_fixture() { sut.reset(); }

  /// As nobody when the tests run as root.
  static run_as somebody() {
    return ::geteuid() == 0 ? run_as{65534, 65534} : run_as{::getuid(), ::getgid()};
  }

  host_executor_options options(const std::string& runner, run_as identity = somebody()) {
    return {.runner = runner, .identity = identity, .name = "w", .sandbox = sandbox};
  }

  absl::Status open(const std::string& runner, run_as identity = somebody()) {
    sut = make_host_executor(thread, options(runner, identity));
    box<absl::Status> ready;
    lost = {};
    sut->open(ready.callback(), lost.callback());
    return ready.get();
  }

  command_spec command_for(std::vector<std::string> arguments) {
    const auto number = std::to_string(++count);
    out = folder.path() / ("out" + number);
    err = folder.path() / ("err" + number);
    return {.arguments = std::move(arguments),
            .environment = {{"PATH", "/usr/bin:/bin"}},
            .directory = folder.path(),
            .stdout_path = out,
            .stderr_path = err};
  }

  ended_box start(command_spec command) {
    ended_box box;
    sut->start(std::move(command), box.callback());
    return box;
  }

  ended_box start(std::vector<std::string> arguments,
                  std::chrono::nanoseconds timeout = std::chrono::nanoseconds(0)) {
    auto command = command_for(std::move(arguments));
    command.timeout = timeout;
    return start(std::move(command));
  }

  absl::StatusOr<command_ended>
  run(std::vector<std::string> arguments,
      std::chrono::nanoseconds timeout = std::chrono::nanoseconds(0)) {
    return start(std::move(arguments), timeout).get();
  }

  absl::StatusOr<command_ended>
  shell(const std::string& script, std::chrono::nanoseconds timeout = std::chrono::nanoseconds(0)) {
    return run({"/bin/sh", "-c", script}, timeout);
  }

  /// Host pid of the process with this unmistakable argument (inside its pid namespace it has
  /// another number); 0 when there is none.
  static pid_t find(const std::string& argument) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const auto line = read_text(entry.path() / "cmdline");
      if (line == std::string("sleep\0", 6) + argument + '\0')
        return std::stoi(entry.path().filename());
    }
    return 0;
  }
  static bool runs(const std::string& argument) { return find(argument) != 0; }

  /// A sleep that can be told from every other.
  static std::string unique_seconds() {
    static int n = 0;
    return "1" + std::to_string(::getpid() % 100000) + std::to_string(++n);
  }

  /// A script that says when it is up: through a pipe, so that nobody has to look again and again.
  std::string announced(const std::string& script) {
    const auto pipe = folder.path() / "up";
    ::mkfifo(pipe.c_str(), 0600);
    std::filesystem::permissions(pipe, std::filesystem::perms(0666));
    return script + " & echo up > up; wait";
  }
  void wait_until_up() { CAF_CHECK_EQUAL(read_text(folder.path() / "up"), "up\n"); }

  /// Waits for the death of a process that is not ours.
  static bool wait_gone(pid_t pid) {
    const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    pollfd interest{handle, POLLIN, 0};
    const bool gone = handle < 0 || ::poll(&interest, 1, 20'000) == 1;
    ::close(handle);
    return gone;
  }
};

} // namespace expbuild::test
