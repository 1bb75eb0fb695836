#define CAF_SUITE actors.worker
#include "actors/worker/environment.hpp"
#include "test/actors/worker_fixture.hpp"

#include "expbuild/execution/v1/resource_usage.pb.h"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(worker_tests, worker_fixture)

CAF_TEST(a worker offers itself only when its executor is open) {
  keep(sys.spawn(worker, options));
  consume_messages();
  CAF_CHECK(offers->empty());
  s->ready(absl::OkStatus());
  consume_messages();
  CAF_REQUIRE_EQUAL(offers->size(), 1u);
  CAF_CHECK_EQUAL(offers->at(0).name, "host-worker-1");
  CAF_CHECK_EQUAL(offers->at(0).pid, 42);
}

CAF_TEST(an attempt is staged and run and collected and reported and the slot is offered again) {
  const auto x = ready_worker();
  run(x);
  CAF_CHECK_EQUAL(s->last.arguments.at(0), "cc");
  CAF_CHECK(s->last.timeout == 5s);
  end_command(
      {.why = command_ended::reason::exited, .exit_code = 3, .started_at = {}, .ended_at = {}});
  CAF_REQUIRE_EQUAL(ends->size(), 1u);
  const auto& done = ends->at(0);
  CAF_CHECK(done.status.ok());
  CAF_CHECK_EQUAL(done.attempt, 7u);
  CAF_CHECK_EQUAL(done.result->exit_code(), 3);
  CAF_CHECK_EQUAL(done.result->output_files(0).digest().hash(), digest::of("made").hash());
  CAF_CHECK_EQUAL(done.result->stdout_digest().hash(), digest::of("so far").hash());
  CAF_CHECK_EQUAL(done.result->execution_metadata().worker(), "host-worker-1");
  CAF_CHECK_EQUAL(offers->size(), 2u);
  CAF_CHECK(is_clean());
}

CAF_TEST(a worker can be seen to move from step to step) {
  options.io = held;
  const auto x = ready_worker();
  const auto pulse = offers->at(0).pulse;
  CAF_CHECK(pulse->step == attempt_step::none);
  run(x);
  CAF_CHECK(pulse->step == attempt_step::staging);
  held->release();
  consume_messages();
  CAF_CHECK(pulse->step == attempt_step::running);
  end_command({});
  CAF_CHECK(pulse->step == attempt_step::collecting);
  held->release();
  consume_messages();
  CAF_CHECK(pulse->step == attempt_step::none);
  CAF_CHECK_EQUAL(ends->size(), 1u);
  held->release(); // the folder goes
}

CAF_TEST(outputs can be found before the job is reported) {
  const auto x = ready_worker();
  run(x);
  end_command({});
  answer_box<missing_blobs> box;
  caf::anon_send(blobs, find_missing{.trace = {}, .digests = {digest::of("made")}}, box.make());
  consume_messages();
  CAF_CHECK(box.value().digests.empty());
}

CAF_TEST(a result tells what the command cost and when each step was) {
  const auto x = ready_worker();
  run(x);
  command_ended ended;
  ended.started_at = std::chrono::system_clock::now();
  ended.ended_at = ended.started_at + 1500ms;
  ended.user_time = 1200ms;
  ended.system_time = 30ms;
  ended.max_rss_bytes = 7 << 20;
  end_command(ended);
  CAF_REQUIRE_EQUAL(ends->size(), 1u);
  const auto& metadata = ends->at(0).result->execution_metadata();
  CAF_CHECK_EQUAL(metadata.worker(), "host-worker-1");
  CAF_CHECK_EQUAL(metadata.virtual_execution_duration().seconds(), 1);
  CAF_CHECK_EQUAL(metadata.virtual_execution_duration().nanos(), 500'000'000);
  execution::v1::ResourceUsage usage;
  CAF_REQUIRE_EQUAL(metadata.auxiliary_metadata_size(), 1);
  CAF_REQUIRE(metadata.auxiliary_metadata(0).UnpackTo(&usage));
  CAF_CHECK_EQUAL(usage.user_time().seconds(), 1);
  CAF_CHECK_EQUAL(usage.user_time().nanos(), 200'000'000);
  CAF_CHECK_EQUAL(usage.system_time().nanos(), 30'000'000);
  CAF_CHECK_EQUAL(usage.max_rss_bytes(), 7 << 20);
}

CAF_TEST(an attempt without a result tells its times as well) {
  const auto x = ready_worker();
  run(x);
  s->ended(absl::InvalidArgumentError("cannot start cc"));
  consume_messages();
  CAF_REQUIRE_EQUAL(ends->size(), 1u);
  CAF_CHECK_EQUAL(ends->at(0).metadata.worker(), "host-worker-1");
  CAF_CHECK(ends->at(0).metadata.worker_completed_timestamp().seconds() > 0);
  CAF_CHECK(ends->at(0).metadata.execution_start_timestamp().seconds() > 0);
}

CAF_TEST(a timeout is reported with the output so far) {
  const auto x = ready_worker();
  run(x);
  end_command({.why = command_ended::reason::timed_out,
               .exit_code = 137,
               .started_at = {},
               .ended_at = {}});
  CAF_REQUIRE_EQUAL(ends->size(), 1u);
  CAF_CHECK(absl::IsDeadlineExceeded(ends->at(0).status));
  CAF_REQUIRE(ends->at(0).result != nullptr);
  CAF_CHECK_EQUAL(ends->at(0).result->stdout_digest().hash(), digest::of("so far").hash());
}

CAF_TEST(a command that loses a process to the memory limit is no success whatever its exit code) {
  const auto x = ready_worker();
  run(x);
  end_command({.why = command_ended::reason::out_of_memory,
               .exit_code = 0,
               .started_at = {},
               .ended_at = {},
               .memory_peak_bytes = 4711,
               .memory_limit = "memory_limit = 5000"});
  CAF_REQUIRE_EQUAL(ends->size(), 1u);
  CAF_CHECK(absl::IsResourceExhausted(ends->at(0).status));
  const std::string text(ends->at(0).status.message());
  CAF_CHECK(text.find("memory_limit = 5000") != std::string::npos);
  CAF_CHECK(text.find("4711") != std::string::npos);
  CAF_REQUIRE(ends->at(0).result != nullptr);
}

CAF_TEST(a stopped attempt ends with the reason that was given) {
  const auto x = ready_worker();
  run(x);
  caf::anon_send(x, stop_job{.trace = {}, .attempt = 7, .why = absl::CancelledError("enough")});
  caf::anon_send(x, stop_job{.trace = {}, .attempt = 6, .why = absl::CancelledError("stale")});
  consume_messages();
  CAF_CHECK_EQUAL(s->stops, 1);
  end_command(
      {.why = command_ended::reason::stopped, .exit_code = 137, .started_at = {}, .ended_at = {}});
  CAF_REQUIRE_EQUAL(ends->size(), 1u);
  CAF_CHECK_EQUAL(std::string(ends->at(0).status.message()), "enough");
}

CAF_TEST(a command that can not start is told and the worker goes on) {
  const auto x = ready_worker();
  run(x);
  s->ended(absl::InvalidArgumentError("cannot start cc: No such file or directory"));
  consume_messages();
  CAF_REQUIRE_EQUAL(ends->size(), 1u);
  CAF_CHECK(absl::IsInvalidArgument(ends->at(0).status));
  CAF_CHECK_EQUAL(offers->size(), 2u);
}

CAF_TEST(a worker that is told to go ends its attempt and cleans up first) {
  const auto x = ready_worker();
  run(x);
  caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK_EQUAL(s->stops, 1);
  CAF_CHECK(!is_clean());
  end_command(
      {.why = command_ended::reason::stopped, .exit_code = 137, .started_at = {}, .ended_at = {}});
  CAF_CHECK(is_clean());
  CAF_CHECK_EQUAL(ends->size(), 1u);
  CAF_CHECK_EQUAL(offers->size(), 1u); // only the first: it is gone
}

CAF_TEST(the environment is the command and then the whitelist and then a default path) {
  reapi::Command command;
  auto& variable = *command.add_environment_variables();
  variable.set_name("A");
  variable.set_value("1");
  const auto made = make_environment(command, with_path({{"A", "2"}, {"B", "3"}}));
  CAF_REQUIRE_EQUAL(made.size(), 3u);
  CAF_CHECK_EQUAL(made[0].second, "1");
  CAF_CHECK_EQUAL(made[1].first, "B");
  CAF_CHECK_EQUAL(made[2].first, "PATH");
}

CAF_TEST(a worker that steps down while it is idle leaves when no job is on its way) {
  const auto x = ready_worker();
  caf::anon_send(x, step_down{.trace = {}, .why = absl::UnavailableError("the engine is gone")});
  consume_messages();
  CAF_REQUIRE_EQUAL(leaving->size(), 1u);
  CAF_CHECK(!is_gone(x));
  leaving->at(0)(unit{});
  consume_messages();
  CAF_CHECK(is_gone(x));
}

CAF_TEST(a job that was on its way to a worker that steps down is done first) {
  const auto x = ready_worker();
  caf::anon_send(x, step_down{.trace = {}, .why = absl::UnavailableError("the engine is gone")});
  consume_messages();
  run(x);
  leaving->at(0)(unit{});
  consume_messages();
  CAF_CHECK(!is_gone(x));
  end_command({});
  CAF_CHECK_EQUAL(ends->size(), 1u);
  CAF_CHECK(ends->at(0).status.ok());
  CAF_CHECK(is_gone(x));
  CAF_CHECK_EQUAL(offers->size(), 1u);
}

CAF_TEST(a worker that steps down while its command runs finishes and offers itself no more) {
  const auto x = ready_worker();
  run(x);
  caf::anon_send(x, step_down{.trace = {}, .why = absl::UnavailableError("the engine is gone")});
  consume_messages();
  CAF_CHECK_EQUAL(s->stops, 0);
  end_command({});
  CAF_CHECK(ends->at(0).status.ok());
  CAF_CHECK_EQUAL(offers->size(), 1u);
  CAF_CHECK(is_gone(x));
}

CAF_TEST(what a command left is kept when its executor is lost afterwards) {
  options.io = held; // collecting waits until the test says so
  const auto x = ready_worker();
  run(x);
  held->release();
  consume_messages();
  end_command({});
  s->lost(absl::UnavailableError("its container has ended"));
  consume_messages();
  CAF_CHECK(ends->empty());
  held->release();
  consume_messages();
  CAF_REQUIRE_EQUAL(ends->size(), 1u);
  CAF_CHECK(ends->at(0).status.ok());
  CAF_CHECK(is_gone(x));
}

CAF_TEST(an executor that is lost while inputs are staged leaves the folder to the staging) {
  options.io = held;
  const auto x = ready_worker();
  run(x);
  s->lost(absl::UnavailableError("its container has ended"));
  consume_messages();
  CAF_CHECK_EQUAL(held->waiting(), 1u); // the staging alone: nothing removes what it writes to
  held->release();
  consume_messages();
  CAF_CHECK(s->last.arguments.empty());
  CAF_CHECK(ends->empty()); // the scheduler hears that it died, and queues the job again
  CAF_CHECK(is_gone(x));
  CAF_CHECK_EQUAL(held->waiting(), 1u);
  held->release();
  CAF_CHECK(is_clean());
}

CAF_TEST(a job of a lost executor that is stopped while inputs are staged ends with the reason) {
  options.io = held;
  const auto x = ready_worker();
  run(x);
  caf::anon_send(x, stop_job{.trace = {}, .attempt = 7, .why = absl::CancelledError("enough")});
  consume_messages();
  s->lost(absl::UnavailableError("its container has ended"));
  consume_messages();
  held->release();
  consume_messages();
  CAF_REQUIRE_EQUAL(ends->size(), 1u);
  CAF_CHECK_EQUAL(ends->at(0).status, absl::CancelledError("enough"));
  CAF_CHECK(is_gone(x));
  held->release();
  CAF_CHECK(is_clean());
}

CAF_TEST(a worker that can not come until somebody helps says so before it goes) {
  const auto x = keep(sys.spawn(worker, options));
  consume_messages();
  s->ready(absl::FailedPreconditionError("image 'x' can not be had"));
  consume_messages();
  CAF_CHECK(is_gone(x));
  CAF_REQUIRE_EQUAL(unusable->size(), 1u);
  CAF_CHECK_EQUAL(unusable->at(0).name, "host-worker-1");
  const auto y = keep(sys.spawn(worker, options));
  consume_messages();
  s->ready(absl::UnavailableError("no runner: try again"));
  consume_messages();
  CAF_CHECK(is_gone(y));
  CAF_CHECK_EQUAL(unusable->size(), 1u);
}

CAF_TEST(an action names its image for the executor) {
  const auto x = ready_worker();
  auto action = std::make_shared<loaded_action>();
  action->id = digest::of("action");
  action->command.add_arguments("cc");
  action->platform = {{"container-image", "docker://debian:12"}};
  auto work = std::make_shared<job>();
  work->action = std::move(action);
  caf::anon_send(x, run_job{.trace = {}, .work = std::move(work), .attempt = 1});
  consume_messages();
  CAF_CHECK_EQUAL(s->last.image, "debian:12");
}

CAF_TEST_FIXTURE_SCOPE_END()
