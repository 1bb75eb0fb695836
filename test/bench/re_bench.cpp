#include "test/bench/bench_run.hpp"
#include "test/bench/limits_server.hpp"

#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

/// re-bench: what the server costs, as a share of what this machine can do in the same run.
///
///     re-bench [PART...]    actions, docker, staging, calls, streams, blobs, compression, restart,
///     trace, idle; all of them without one, but restart-10m: it writes 10 GB

namespace {

using namespace expbuild::bench;

struct options {
  std::filesystem::path folder; ///< where the programs lie
  std::vector<std::string> parts;

  bool names(const std::string& part) const {
    return std::find(parts.begin(), parts.end(), part) != parts.end();
  }
  bool wants(const std::string& part) const { return parts.empty() || names(part); }
};

void measure_services(table& rows, const options& given) {
  const auto port = free_port();
  const child_process limits(
      {(given.folder / "re-bench").string(), "--limits", std::to_string(port)});
  const auto limits_address = "127.0.0.1:" + std::to_string(port);
  connect(limits_address);
  const server_process server(given.folder / "re-server", host_workers());
  if (given.wants("calls"))
    measure_calls(rows, server, limits, limits_address);
  if (given.wants("streams"))
    measure_streams(rows, server, limits, limits_address);
}

} // namespace

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); // as the server does
  if (argc == 3 && std::strcmp(argv[1], "--limits") == 0)
    return run_limits_server(std::atoi(argv[2]));
  std::error_code error;
  const options given{std::filesystem::read_symlink("/proc/self/exe", error).parent_path(),
                      {argv + 1, argv + argc}};
  const auto server = given.folder / "re-server";
  table rows;
  if (given.wants("actions"))
    measure_actions(rows, server);
  if (given.wants("docker"))
    measure_docker(rows, server);
  if (given.wants("staging"))
    measure_staging(rows, server);
  if (given.wants("calls") || given.wants("streams"))
    measure_services(rows, given);
  if (given.wants("blobs"))
    measure_blobs(rows, server);
  if (given.wants("compression"))
    measure_compression(rows, server);
  if (given.wants("restart"))
    measure_restart(rows, server, 1);
  if (given.names("restart-10m"))
    measure_restart(rows, server, 10);
  if (given.wants("trace"))
    measure_trace(rows, server);
  if (given.wants("idle"))
    measure_idle(rows, server);
  rows.print();
  return 0;
}
