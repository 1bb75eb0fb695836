#pragma once
#include "actors/scheduler.hpp"
#include "test/support/actors.hpp"

namespace expbuild::test {

/// What a fake operation or worker was told.
struct told {
  std::vector<stage_reached> stages;
  std::vector<job_done> ends;
  std::vector<run_job> runs;
  std::vector<stop_job> stops;
};

struct scheduler_fixture : actor_fixture {
  scheduler_options options;
  scheduler_actor sut;

  scheduler_fixture() {
    options.declared = {{{"OSFamily", "linux"}}, {{"OSFamily", "linux"}, {"Pool", "gpu"}}};
    options.max_queue_size = 2;
    options.max_attempts = 2;
    options.meters = meters;
    sut = keep(sys.spawn(scheduler, options));
    consume_messages();
  }

  std::shared_ptr<told> add_operation(const job_ptr& work) {
    auto log = std::make_shared<told>();
    auto operation =
        fake<operation_actor>([log](const stage_reached& x) { log->stages.push_back(x); },
                              [log](const job_done& x) { log->ends.push_back(x); });
    caf::anon_send(sut, submit{.trace = {}, .work = work}, operation);
    consume_messages();
    return log;
  }

  struct worker_and_log {
    worker_actor actor;
    std::shared_ptr<told> log = std::make_shared<told>();
  };

  worker_and_log add_worker(const std::string& name,
                            platform_properties platform = {{"OSFamily", "linux"}}) {
    worker_and_log x;
    x.actor = fake<worker_actor>([log = x.log](const run_job& y) { log->runs.push_back(y); },
                                 [log = x.log](const stop_job& y) { log->stops.push_back(y); });
    offer(x.actor, name, std::move(platform));
    return x;
  }

  void offer(const worker_actor& worker, const std::string& name,
             platform_properties platform = {{"OSFamily", "linux"}}) {
    caf::anon_send(
        sut,
        worker_ready{.trace = {}, .name = name, .type = "host", .platform = platform, .pid = 1},
        worker);
    consume_messages();
  }

  void done(const worker_and_log& worker, absl::Status status = {}) {
    const auto& run = worker.log->runs.back();
    caf::anon_send(sut, job_done{.trace = {},
                                 .execution = run.work->execution,
                                 .attempt = run.attempt,
                                 .status = std::move(status),
                                 .result = result_with_exit_code(0)});
    consume_messages();
  }

  std::vector<std::string> drain(const std::string& name, bool on) {
    answer_box<std::vector<std::string>> box;
    caf::anon_send(sut, drain_workers{.trace = {}, .names = {name}, .drain = on}, box.make());
    consume_messages();
    return box.value();
  }

  scheduler_stats stats() {
    answer_box<scheduler_stats> box;
    caf::anon_send(sut, get_scheduler_stats{}, box.make());
    consume_messages();
    return box.value();
  }
};

} // namespace expbuild::test
