#pragma once
#include "actors/cas.hpp"
#include "actors/worker/worker.hpp"
#include "test/support/actors.hpp"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

namespace expbuild::test {

using namespace std::chrono_literals;

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

/// Work waits until the test lets it go.
class held_pool : public io_pool {
public:
  bool post(lane, std::function<void()> work) override {
    waiting_.push_back(std::move(work));
    return true;
  }
  void stop() override {}
  std::size_t waiting() const noexcept { return waiting_.size(); }
  void release() {
    for (auto all = std::exchange(waiting_, {}); const auto& each : all)
      each();
  }

private:
  std::vector<std::function<void()>> waiting_;
};

struct worker_fixture : actor_fixture {
  std::shared_ptr<held_pool> held = std::make_shared<held_pool>();
  std::shared_ptr<script> s = std::make_shared<script>();
  std::shared_ptr<std::vector<job_done>> ends = std::make_shared<std::vector<job_done>>();
  std::shared_ptr<std::vector<worker_ready>> offers = std::make_shared<std::vector<worker_ready>>();
  std::shared_ptr<std::vector<reply<unit>>> leaving = std::make_shared<std::vector<reply<unit>>>();
  std::shared_ptr<std::vector<worker_unusable>> unusable =
      std::make_shared<std::vector<worker_unusable>>();
  std::filesystem::path folder;
  cas_actor blobs;
  worker_options options;

  worker_fixture() {
    std::string name = std::filesystem::temp_directory_path() / "expbuild-worker-XXXXXX";
    folder = ::mkdtemp(name.data());
    blobs = keep(sys.spawn(
        cas, cas_options{.store = store, .io = io, .meters = meters, .max_open_writes = 8}));
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
        [offers = offers](const worker_ready& x, const worker_actor&) { offers->push_back(x); },
        [leaving = leaving](const worker_leaving&, const worker_actor&, const reply<unit>& answer) {
          leaving->push_back(answer);
        },
        [unusable = unusable](const worker_unusable& x) { unusable->push_back(x); });
    CAF_REQUIRE(prepare_workspaces(options.workspaces).ok());
  }

  ~worker_fixture() { std::filesystem::remove_all(folder); }

  /// No folder of an attempt is left: only the logs, which serve the next one.
  bool is_clean() const {
    const std::filesystem::directory_iterator left(folder);
    return std::none_of(begin(left), end(left), [](const auto& x) { return x.is_directory(); });
  }

  static bool is_gone(const worker_actor& x) {
    return caf::actor_cast<caf::abstract_actor*>(x)->getf(caf::abstract_actor::is_terminated_flag);
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

} // namespace expbuild::test
