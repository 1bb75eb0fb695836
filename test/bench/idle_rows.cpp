#include "test/bench/bench_run.hpp"

#include <cstdio>
#include <thread>

namespace expbuild::bench {

/// What a server costs that has nothing to do, after a little work.
void measure_idle(table& rows, const std::filesystem::path& re_server) {
  constexpr std::chrono::seconds watched(10);
  const server_process server(re_server, host_workers());
  auto on = connect(server.address());
  for (int i = 0; i < 10; ++i)
    execute(on, new_true_action(on, true));
  const auto before = server.process().cpu_seconds();
  std::this_thread::sleep_for(watched); // the only way to see how little happens
  const auto used = (server.process().cpu_seconds() - before) / watched.count();
  char text[200];
  std::snprintf(text, sizeof text,
                "An idle server with two workers uses %.2f %% of one CPU and %.0f MiB of memory, "
                "its runners included.",
                used * 100, server.process().resident_mib());
  rows.remark(text);
}

} // namespace expbuild::bench
