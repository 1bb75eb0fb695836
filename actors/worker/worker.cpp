#include "actors/worker/worker.hpp"

#include "actors/background.hpp"
#include "actors/execution_times.hpp"
#include "actors/log.hpp"
#include "actors/platform.hpp"
#include "actors/responses.hpp"
#include "actors/worker/attempt_report.hpp"
#include "actors/worker/environment.hpp"
#include "storage/missing.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace expbuild {

namespace {

using clock = std::chrono::system_clock;

std::int64_t total_size(const std::vector<digest>& blobs) {
  std::int64_t sum = 0;
  for (const auto& x : blobs)
    sum += x.size_bytes();
  return sum;
}

caf::error failure(const std::string& why) {
  return caf::make_error(caf::sec::runtime_error, why);
}

} // namespace

// ---- life ------------------------------------------------------------------------------------

void worker_state::open() {
  runner = options.make_executor();
  runner->open(
      [me = worker_actor{self}](absl::Status status) {
        caf::anon_send(me, executor_opened{.trace = {}, .status = std::move(status)});
      },
      [me = worker_actor{self}](absl::Status why) {
        caf::anon_send(me, executor_lost{.trace = {}, .why = std::move(why)});
      });
}

void worker_state::opened(const absl::Status& status) {
  if (absl::IsFailedPrecondition(status)) // actions must not wait for us
    caf::anon_send(options.scheduler, worker_unusable{.trace = {},
                                                      .name = options.name,
                                                      .platform = options.platform,
                                                      .why = status});
  if (!status.ok())
    return self->quit(failure(std::string(status.message())));
  if (leaving)
    return self->quit(leaving);
  offer();
}

void worker_state::lost(const absl::Status& why) {
  if (busy && busy->command_over) {
    leaving = failure(std::string(why.message()));
    return; // `finish` quits
  }
  if (busy && busy->staging) { // its folder is being written to: `staged` ends it, `finish` quits
    leaving = failure(std::string(why.message()));
    busy->give_back = busy->give_back || !busy->stopped;
    if (busy->status.ok())
      busy->status = why;
    return;
  }
  if (busy && busy->space) // the tree of the attempt is known dead: its folder can go
    in_long_lane([space = busy->space] { space->remove(); });
  self->quit(failure(std::string(why.message())));
}

void worker_state::offer() {
  caf::anon_send(options.scheduler,
                 worker_ready{.trace = {},
                              .name = options.name,
                              .type = options.type,
                              .platform = options.platform,
                              .pid = runner->pid(),
                              .pulse = pulse},
                 worker_actor{self});
}

void worker_state::leave(const caf::error& reason) {
  if (!busy)
    return self->quit(reason);
  leaving = reason;
  busy->give_back = reason != caf::exit_reason::user_shutdown; // others go on
  busy->stopped = true;
  busy->status = absl::UnavailableError("the worker is being stopped");
  runner->stop(); // `finish` quits
}

void worker_state::finish_and_leave(const step_down& request) {
  if (leaving)
    return;
  leaving = failure(std::string(request.why.message()));
  if (busy)
    return; // `finish` quits
  caf::anon_send(options.scheduler, worker_leaving{}, worker_actor{self},
                 reply<unit>([me = worker_actor{self}](const absl::StatusOr<unit>&) {
                   caf::anon_send(me, may_leave{});
                 }));
}

/// A job that was on its way has come before: then `finish` quits.
void worker_state::may_go() {
  if (!busy)
    self->quit(leaving);
}

void worker_state::health(const reply<unit>& answer) {
  runner->check_health([answer](const absl::Status& status) {
    if (status.ok())
      answer(unit{});
    else
      answer(status);
  });
}

// ---- one attempt, top to bottom --------------------------------------------------------------

void worker_state::run(run_job& request) {
  busy = std::make_unique<attempt>();
  busy->number = request.attempt;
  at(attempt_step::staging);
  busy->work = std::move(request.work);
  busy->space = make_workspace(options.workspaces, options.store, busy->work->action->id.function(),
                               busy->number);
  auto& metadata = busy->metadata;
  metadata.set_worker(options.name);
  meter->waited(clock::now() - busy->work->queued_at);
  set_time(*metadata.mutable_queued_timestamp(), busy->work->queued_at);
  set_time(*metadata.mutable_worker_start_timestamp(), clock::now());
  set_time(*metadata.mutable_input_fetch_start_timestamp(), clock::now());
  in_long_lane([me = worker_actor{self}, number = busy->number, space = busy->space,
                action = busy->work->action] {
    caf::anon_send(me, inputs_staged{.trace = {},
                                     .attempt = number,
                                     .status = space->stage(action->input_root, action->command)});
  });
}

void worker_state::staged(const inputs_staged& event) {
  if (!is_current(event.attempt))
    return;
  busy->staging = false;
  set_time(*busy->metadata.mutable_input_fetch_completed_timestamp(), clock::now());
  auto lost = missing_digests_of(event.status);
  if (!lost.empty()) // clients must be let upload them again
    caf::anon_send(options.blobs, blobs_lost{.trace = {}, .digests = std::move(lost)});
  if (busy->status.ok())
    busy->status = event.status;
  if (!busy->status.ok())
    return finish();
  start_command();
}

void worker_state::start_command() {
  at(attempt_step::running);
  const auto& action = *busy->work->action;
  command_spec command;
  command.arguments = {action.command.arguments().begin(), action.command.arguments().end()};
  command.environment = make_environment(action.command, options.environment);
  command.directory = busy->space->working_directory();
  command.root = busy->space->input_root();
  command.stdout_path = busy->space->stdout_path();
  command.stderr_path = busy->space->stderr_path();
  command.timeout = action.timeout;
  command.image = container_image_of(action.platform);
  command.overlay = busy->space->overlay();
  runner->start(std::move(command), [me = worker_actor{self}, number = busy->number,
                                     here = current_trace()](absl::StatusOr<command_ended> ended) {
    const trace_scope scope(here);
    caf::anon_send(me, command_finished{.trace = {}, .attempt = number, .ended = std::move(ended)});
  });
}

void worker_state::ran(command_finished& event) {
  if (!is_current(event.attempt))
    return;
  if (!event.ended.ok()) {
    busy->status = event.ended.status();
    return finish();
  }
  auto& ended = *event.ended;
  busy->command_over = true;
  busy->exit_code = ended.exit_code;
  describe(ended, busy->metadata);
  meter->peak_memory(std::max(ended.max_rss_bytes, ended.memory_peak_bytes));
  if (ended.why == command_ended::reason::stopped && busy->stopped)
    return finish(); // nobody wants its outputs
  if (ended.why == command_ended::reason::timed_out)
    busy->status = absl::DeadlineExceededError(
        "the command was killed after its timeout of "
        + std::to_string(std::chrono::duration<double>(busy->work->action->timeout).count())
        + " s");
  if (ended.why == command_ended::reason::out_of_memory)
    busy->status = absl::ResourceExhaustedError(out_of_memory(ended));
  collect(std::move(ended.root));
}

void worker_state::collect(std::shared_ptr<const unique_fd> merged) {
  at(attempt_step::collecting);
  set_time(*busy->metadata.mutable_output_upload_start_timestamp(), clock::now());
  in_long_lane([me = worker_actor{self}, number = busy->number, space = busy->space,
                action = busy->work->action, merged = std::move(merged)] {
    caf::anon_send(me, outputs_collected{.trace = {},
                                         .attempt = number,
                                         .outputs = space->collect(action->command, merged)});
  });
}

void worker_state::collected(outputs_collected& event) {
  if (!is_current(event.attempt))
    return;
  if (!event.outputs.ok()) {
    if (busy->status.ok())
      busy->status = event.outputs.status();
    return finish();
  }
  busy->result = std::make_shared<reapi::ActionResult>(std::move(event.outputs->result));
  meter->outputs(total_size(event.outputs->stored));
  caf::anon_send(
      options.blobs,
      blobs_stored{.trace = {}, .digests = std::move(event.outputs->stored), .admitted = false},
      reply<unit>([me = worker_actor{self}, number = busy->number](const absl::StatusOr<unit>& x) {
        caf::anon_send(me, outputs_published{.trace = {}, .attempt = number, .status = x.status()});
      }));
}

void worker_state::published(const outputs_published& event) {
  if (!is_current(event.attempt))
    return;
  if (busy->status.ok())
    busy->status = event.status;
  set_time(*busy->metadata.mutable_output_upload_completed_timestamp(), clock::now());
  finish();
}

void worker_state::finish() {
  auto done = std::move(busy);
  at(attempt_step::none);
  set_time(*done->metadata.mutable_worker_completed_timestamp(), clock::now());
  report_stages(*meter, done->metadata);
  complete_times(done->metadata, clock::now());
  if (done->result) {
    done->result->set_exit_code(done->exit_code);
    *done->result->mutable_execution_metadata() = done->metadata;
  }
  if (!done->give_back) // else the scheduler hears that we died, and queues it again
    caf::anon_send(options.scheduler, job_done{.trace = {},
                                               .execution = done->work->execution,
                                               .attempt = done->number,
                                               .status = std::move(done->status),
                                               .result = std::move(done->result),
                                               .metadata = std::move(done->metadata)});
  if (leaving)
    self->quit(leaving);
  else
    offer();
  in_long_lane([space = std::move(done->space)] { space->remove(); });
}

void worker_state::stop(const stop_job& request) {
  if (!is_current(request.attempt) || busy->stopped)
    return;
  busy->stopped = true;
  busy->status = request.why;
  runner->stop(); // nothing runs yet while staging: `staged` sees the status
}

/// A full lane runs the work here: rare, and better than an attempt without an end.
template <class Work>
void worker_state::in_long_lane(Work work) {
  if (!in_background(*options.io, io_pool::lane::long_work, work))
    work();
}

worker_actor::behavior_type worker(worker_state::pointer self, worker_options options) {
  auto& state = self->state;
  const auto label = "worker " + options.name;
  state.options = std::move(options);
  state.meter = &state.options.meters->pool(state.options.type);
  state.open();
  self->set_exit_handler([&state](const caf::exit_msg& x) { state.leave(x.reason); });
  return traced_behavior(
      self, label,
      worker_actor::behavior_type{
          [&state](run_job& x) { state.run(x); }, [&state](const stop_job& x) { state.stop(x); },
          [&state](const step_down& x) { state.finish_and_leave(x); },
          [&state](const may_leave&) { state.may_go(); },
          [&state](const check_health&, const reply<unit>& answer) { state.health(answer); },
          [&state](const executor_opened& x) { state.opened(x.status); },
          [&state](const executor_lost& x) { state.lost(x.why); },
          [&state](const inputs_staged& x) { state.staged(x); },
          [&state](command_finished& x) { state.ran(x); },
          [&state](outputs_collected& x) { state.collected(x); },
          [&state](const outputs_published& x) { state.published(x); }});
}

} // namespace expbuild
