#include "services/main/alarm_signal.hpp"
#include "services/main/exit_code.hpp"
#include "services/main/service_manager.hpp"
#include "services/main/settings.hpp"

#include "actors/log.hpp"
#include "actors/log_sink.hpp"

#include <CLI/CLI.hpp>
#include <absl/synchronization/mutex.h>
#include <google/protobuf/stubs/logging.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <malloc.h>
#include <optional>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

/// re-server: the daemon.

namespace {

using namespace expbuild;

spdlog::logger& logger() {
  static auto& instance = log_of("server");
  return instance;
}

/// As many descriptors as the system lets us have: gRPC 1.51 goes deaf when they run out.
void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// What is received of an upload lies in buffers that come and go. As it is by default, the C
/// library gives the memory back to the system each time and takes it anew, page by page: a fifth
/// of the CPU of an upload. (With large buffers on the heap, too, reads became slower: measured.)
void keep_freed_buffers() {
  ::mallopt(M_TRIM_THRESHOLD, 32 << 20);
}

/// Blocked in every thread, before the first is made: main takes them one by one.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGALRM})
    sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

/// All of them, one a line. False when the configuration can not be used.
bool tell(const config_problems& problems) {
  for (const auto& each : problems)
    std::cerr << to_string(each) << "\n";
  return !has_errors(problems);
}

int check_config(const std::string& file) {
  config_problems problems;
  read_config_file(file, problems);
  if (!tell(problems))
    return bad_configuration;
  std::cout << file << ": no errors\n";
  return ended_well;
}

/// Protobuf tells of every string that is no UTF-8, however often a client sends one.
void tell_of_protobuf(google::protobuf::LogLevel level, const char* /*file*/, int /*line*/,
                      const std::string& message) {
  static auto& instance = log_of("grpc");
  instance.log(level >= google::protobuf::LOGLEVEL_ERROR ? spdlog::level::warn
                                                         : spdlog::level::debug,
               "protobuf: {}", message);
}

absl::Status set_up_logging(bool verbose, bool json) {
  google::protobuf::SetLogHandler(tell_of_protobuf);
  the_log().set_format(json ? log_format::json : log_format::text);
  if (const auto* levels = std::getenv("EXPBUILD_LOG"); levels != nullptr) // NOLINT: one thread yet
    if (auto status = set_log_levels(levels); !status.ok())
      return absl::InvalidArgumentError("EXPBUILD_LOG: " + std::string(status.message()));
  return verbose ? set_log_levels("debug") : absl::OkStatus();
}

/// Before there is a second thread.
service_manager find_manager() {
  auto socket = notify_socket::from_environment();
  if (!socket.ok())
    logger().warn("{}: the service manager will not hear of us",
                  std::string(socket.status().message()));
  return service_manager(socket.ok() ? *std::move(socket) : notify_socket());
}

/// Negative: the time is over.
int next_signal(const sigset_t& signals, std::optional<std::chrono::milliseconds> patience) {
  if (!patience)
    return ::sigwaitinfo(&signals, nullptr);
  const timespec limit{patience->count() / 1000, patience->count() % 1000 * 1'000'000};
  return ::sigtimedwait(&signals, nullptr, &limit);
}

/// Which signal has come. Meanwhile the manager is looked after, and what the log has left out is
/// told.
int wait_for_stop(const sigset_t& signals, service_manager& manager) {
  for (;;) {
    const int signal = next_signal(signals, manager.pause());
    if (signal == SIGINT || signal == SIGTERM)
      return signal; // of SIGHUP there is nothing to reload yet, and no reason to die
    manager.look_after();
    the_log().tell_repeats(std::chrono::system_clock::now());
  }
}

int serve(const std::string& file, const sigset_t& signals) {
  config_problems problems;
  const auto settings = file.empty() ? default_config(problems) : read_config_file(file, problems);
  if (!tell(problems))
    return bad_configuration;
  logger().info("Configuration loaded from {}", file.empty() ? "built-in defaults" : file);
  auto manager = find_manager();
  auto started = start_daemon(daemon_options_from(settings));
  if (!started.ok()) {
    logger().critical("can not start: {}", std::string(started.status().message()));
    return exit_code_of(started.status());
  }
  logger().info("Serving gRPC on {} (port {})", settings.server.address, (*started)->port());
  if (!settings.http.address.empty())
    logger().info("Serving HTTP on {} (port {})", settings.http.address, (*started)->http_port());
  warn_if_exposed(settings);
  manager.ready((*started)->context());
  const int signal = wait_for_stop(signals, manager);
  manager.stopping();
  logger().info("{} received", signal == SIGINT ? "SIGINT" : "SIGTERM");
  (*started)->stop();
  the_log().tell_all_repeats(std::chrono::system_clock::now());
  return ended_well;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("ExpBuild: a Bazel Remote Execution server");
  std::string file;
  bool verbose = false;
  std::string format = "text";
  app.add_option("--config", file, "configuration file (TOML); without one, built-in defaults");
  app.add_flag("--verbose,-v", verbose, "log at debug level");
  app.add_option("--log-format", format, "text, or json: one object a line")
      ->envname("EXPBUILD_LOG_FORMAT")
      ->check(CLI::IsMember({"text", "json"}));
  app.set_version_flag("--version", expbuild_version());
  std::string to_check;
  auto* check = app.add_subcommand("check-config", "report all problems of a configuration file");
  check->add_option("FILE", to_check)->required();
  CLI11_PARSE(app, argc, argv);
  if (*check)
    return check_config(to_check);
  const auto signals = block_signals();
  // Debian builds abseil with its search for deadlocks, in every mutex that gRPC locks.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  raise_descriptor_limit();
  keep_freed_buffers();
  if (auto status = set_up_logging(verbose, format == "json"); !status.ok()) {
    std::cerr << "re-server: " << std::string(status.message()) << "\n";
    return bad_configuration;
  }
  static alarm_signal repeats(SIGALRM); // the log, which it is for, outlives main
  the_log().set_alarm([](std::chrono::nanoseconds time) { repeats.ring_after(time); });
  return serve(file, signals);
}
