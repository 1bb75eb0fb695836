#pragma once
#include "test/services/fixture.hpp"

namespace expbuild::test {

/// With a scheduler and a supervisor that tell of two workers.
struct status_fixture : service_fixture {
  status_fixture() {
    context->scheduler =
        fake<scheduler_actor>([](const get_scheduler_stats&, const reply<scheduler_stats>& answer) {
          answer(scheduler_stats{.queued = 4,
                                 .running = 1,
                                 .completed = 20,
                                 .failed = 2,
                                 .workers = {{.name = "host-worker-1",
                                              .type = "host",
                                              .condition = worker_condition::busy,
                                              .restarts = 0,
                                              .last_failure = "",
                                              .action = "1717",
                                              .pid = 4711}}});
        });
    context->supervisor = fake<supervisor_actor>(
        [](const get_workers&, const reply<std::vector<worker_status>>& answer) {
          worker_status alive;
          alive.name = "host-worker-1";
          alive.type = "host";
          alive.restarts = 3;
          worker_status dead;
          dead.name = "host-worker-2";
          dead.type = "host";
          dead.condition = worker_condition::backoff;
          dead.last_failure = "its runner \"crashed\"";
          answer(std::vector<worker_status>{alive, dead});
        });
  }
};

} // namespace expbuild::test
