#include "test/bench/bench_run.hpp"

namespace expbuild::bench {

namespace {

constexpr std::size_t count = 3000;

void measure_pool(table& rows, const std::filesystem::path& re_server, const std::string& isolation,
                  double bare) {
  const server_process server(re_server, host_workers("isolation = \"" + isolation + "\""));
  auto on = connect(server.address());
  std::vector<digest> ids;
  for (std::size_t i = 0; i < count; ++i)
    ids.push_back(new_true_action(on, true));
  for (const std::size_t in_flight : {1, 16})
    rows.add(measure(
                 "/bin/true as an action, isolation " + isolation + ", " + std::to_string(in_flight)
                     + " in flight",
                 in_flight == 1 ? count / 3 : count, in_flight,
                 [&](std::size_t i) { execute(on, ids[i]); },
                 [&] { return server.process().cpu_seconds(); }),
             bare, "bare spawns");
}

} // namespace

void measure_actions(table& rows, const std::filesystem::path& re_server) {
  const auto bare = rows.add(measure(
                                 "bare spawn of /bin/true, two at a time", count, 2,
                                 [](std::size_t) { spawn_true(); }, own_cpu),
                             0, "a limit")
                        .per_second;
  for (const auto* isolation : {"none", "namespaces"})
    measure_pool(rows, re_server, isolation, bare);
}

} // namespace expbuild::bench
