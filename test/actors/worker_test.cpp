#define CAF_SUITE actors.worker
#include "actors/cas.hpp"
#include "actors/supervisor.hpp"
#include "actors/worker/environment.hpp"
#include "actors/worker/worker.hpp"
#include "test/support/actors.hpp"

#include "expbuild/execution/v1/resource_usage.pb.h"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

/// An executor whose every move the test makes.
struct script {
  executor::on_ready ready;
  executor::on_lost lost;
  executor::on_ended ended;
  command_spec last;
  int opened = 0;
  int stops = 0;
};

class scripted_executor : public executor {
public:
  explicit scripted_executor(std::shared_ptr<script> s) : s_(std::move(s)) {}
  void open(on_ready ready, on_lost lost) override {
    s_->ready = std::move(ready);
    s_->lost = std::move(lost);
    ++s_->opened;
  }
  void start(command_spec command, on_ended ended) override {
    s_->last = std::move(command);
    s_->ended = std::move(ended);
  }
  void stop() override { ++s_->stops; }
  void check_health(on_ready answer) override { answer(absl::OkStatus()); }
  std::int64_t pid() const override { return 42; }

private:
  std::shared_ptr<script> s_;
};

struct fixture : actor_fixture {
  std::shared_ptr<script> s = std::make_shared<script>();
  std::shared_ptr<std::vector<job_done>> ends = std::make_shared<std::vector<job_done>>();
  std::shared_ptr<std::vector<worker_ready>> offers = std::make_shared<std::vector<worker_ready>>();
  std::filesystem::path folder;
  cas_actor blobs;
  worker_options options;

  fixture() {
    std::string name = std::filesystem::temp_directory_path() / "expbuild-worker-XXXXXX";
    folder = ::mkdtemp(name.data());
    blobs = keep(sys.spawn(
        cas, cas_options{
                 .store = store, .io = io, .meters = meters, .present = {}, .max_open_writes = 8}));
    options.name = "host-worker-1";
    options.type = "host";
    options.make_executor = [s = s] { return std::make_unique<scripted_executor>(s); };
    options.workspaces.directory = folder;
    options.workspaces.uid = ::getuid();
    options.workspaces.gid = ::getgid();
    options.store = store;
    options.io = io;
    options.meters = meters;
    options.blobs = blobs;
    options.scheduler = fake<scheduler_actor>(
        [ends = ends](const job_done& x) { ends->push_back(x); },
        [offers = offers](const worker_ready& x, const worker_actor&) { offers->push_back(x); });
    CAF_REQUIRE(prepare_workspaces(options.workspaces).ok());
  }

  ~fixture() { std::filesystem::remove_all(folder); }

  /// No folder of an attempt is left: only the logs, which serve the next one.
  bool is_clean() const {
    const std::filesystem::directory_iterator left(folder);
    return std::none_of(begin(left), end(left), [](const auto& x) { return x.is_directory(); });
  }

  worker_actor ready_worker() {
    auto x = keep(sys.spawn(worker, options));
    consume_messages();
    s->ready(absl::OkStatus());
    consume_messages();
    return x;
  }

  void run(const worker_actor& x, std::uint64_t attempt = 7) {
    auto action = std::make_shared<loaded_action>();
    action->id = digest::of("action");
    action->command.add_arguments("cc");
    action->command.add_output_paths("out");
    action->timeout = 5s;
    auto work = std::make_shared<job>();
    work->execution = 3;
    work->action = std::move(action);
    caf::anon_send(x, run_job{.trace = {}, .work = std::move(work), .attempt = attempt});
    consume_messages();
  }

  /// The command has ended, leaving an output and its stdout behind.
  void end_command(command_ended ended, const std::string& output = "made") {
    for (const auto& [path, text] : {std::pair{s->last.directory / "out", output},
                                     std::pair{s->last.stdout_path, std::string("so far")},
                                     std::pair{s->last.stderr_path, std::string()}})
      if (auto* file = std::fopen(path.c_str(), "w")) {
        std::fputs(text.c_str(), file);
        std::fclose(file);
      }
    s->ended(ended);
    consume_messages();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(worker_tests, fixture)

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
  const auto made = make_environment(command, {{"A", "2"}, {"B", "3"}});
  CAF_REQUIRE_EQUAL(made.size(), 3u);
  CAF_CHECK_EQUAL(made[0].second, "1");
  CAF_CHECK_EQUAL(made[1].first, "B");
  CAF_CHECK_EQUAL(made[2].first, "PATH");
}

// ---- supervision ----

namespace {

supervisor_options supervise(fixture& f, std::vector<std::string>* fatal = nullptr) {
  supervisor_options x;
  x.workers.push_back({"host-worker-1", "host", [&f](caf::actor_system& system) {
                         return f.keep(system.spawn(worker, f.options));
                       }});
  x.restarts = {.first_pause = 100ms,
                .longest_pause = 1s,
                .quiet = 60s,
                .intensity = 3,
                .window = 60s,
                .quarantine = 60s};
  x.meters = f.meters;
  x.fatal = [fatal](const std::string& why) {
    if (fatal != nullptr)
      fatal->push_back(why);
  };
  return x;
}

worker_status status_of(fixture& f, const supervisor_actor& who) {
  answer_box<std::vector<worker_status>> box;
  caf::anon_send(who, get_workers{}, box.make());
  f.consume_messages();
  return box.value().at(0);
}

} // namespace

CAF_TEST(a worker whose executor is lost comes back by itself) {
  const auto boss = keep(sys.spawn(supervisor, supervise(*this)));
  consume_messages();
  s->ready(absl::OkStatus());
  consume_messages();
  s->lost(absl::UnavailableError("runner killed by signal 9"));
  consume_messages();
  auto now = status_of(*this, boss);
  CAF_CHECK_EQUAL(now.restarts, 1u);
  CAF_CHECK(now.condition == worker_condition::backoff);
  CAF_CHECK(now.last_failure.find("signal 9") != std::string::npos);
  advance_time(200ms);
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 2);
  s->ready(absl::OkStatus());
  consume_messages();
  CAF_CHECK_EQUAL(offers->size(), 2u);
}

CAF_TEST(a worker that can not start backs off and is quarantined and does not spin) {
  const auto boss = keep(sys.spawn(supervisor, supervise(*this)));
  consume_messages();
  for (int i = 0; i < 10; ++i) {
    s->ready(absl::UnavailableError("no runner"));
    consume_messages();
    advance_time(1s);
    consume_messages();
  }
  CAF_CHECK(status_of(*this, boss).condition == worker_condition::quarantined);
  CAF_CHECK_EQUAL(s->opened, 4);
  advance_time(61s); // one more try after the quarantine
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 5);
}

CAF_TEST(shutting down answers when every worker is gone and restarts none) {
  const auto boss = keep(sys.spawn(supervisor, supervise(*this)));
  consume_messages();
  s->ready(absl::OkStatus());
  answer_box<unit> gone;
  caf::anon_send(boss, shut_down{}, gone.make());
  consume_messages();
  CAF_CHECK(gone.answered());
  advance_time(2s);
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 1);
}

CAF_TEST(the death of a vital actor is fatal and says which) {
  std::vector<std::string> fatal;
  auto options_ = supervise(*this, &fatal);
  options_.vital = {{"cas", blobs.address()}};
  keep(sys.spawn(supervisor, options_));
  consume_messages();
  caf::anon_send_exit(blobs, caf::exit_reason::kill);
  consume_messages();
  CAF_REQUIRE_EQUAL(fatal.size(), 1u);
  CAF_CHECK(fatal[0].find("cas") != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
