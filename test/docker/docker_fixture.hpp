#pragma once
#include "actors/worker/docker/docker_executor.hpp"
#include "test/docker/counted_containers.hpp"
#include "test/worker/host_fixture.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <nlohmann/json.hpp>

namespace expbuild::test {

constexpr auto test_image = "expbuild-test:1";
constexpr auto other_image = "expbuild-test:2";

/// Real containers of a real engine (test/docker/engine.py).
struct docker_fixture {
  temporary_folder folder;
  execution_thread thread;
  std::unique_ptr<engine_client> client =
      make_engine_client(thread, {.socket = std::getenv("EXPBUILD_TEST_ENGINE")});
  std::shared_ptr<counted_containers> boxes =
      std::make_shared<counted_containers>(make_containers(*client));
  docker_engine engine{make_image_store(*client, {}), boxes};
  std::shared_ptr<io_pool> io = make_io_pool({});
  docker_executor_options options;
  std::unique_ptr<executor> sut;
  box<absl::Status> lost;
  std::function<std::unique_ptr<executor>()> make; ///< what is tested
  int count = 0;
  unique_fd up;
  std::filesystem::path own; ///< the command's folder

  docker_fixture() {
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0711));
    options.name = "docker-worker-1";
    options.runner = runner_program();
    options.pool = folder.path();
    options.directory = folder.path() / "docker-worker-1";
    options.boot = "this";
    options.image = test_image;
    options.identity = {1000, 1000};
    std::filesystem::create_directories(options.directory);
    std::filesystem::permissions(options.directory, std::filesystem::perms(0711));
  }

  ~docker_fixture() {
    sut.reset();
    clear();
    CAF_CHECK_EQUAL(containers_of("pool"), std::vector<std::string>{});
  }

  absl::Status open() {
    sut = make();
    box<absl::Status> ready;
    lost = {};
    sut->open(ready.callback(), lost.callback());
    return ready.get();
  }

  /// False, and told, where another engine has the bridge already.
  static bool has_bridge() {
    const bool has = std::getenv("EXPBUILD_TEST_BRIDGE") != nullptr;
    if (!has)
      CAF_MESSAGE("skipped: another container engine has the bridge of this machine");
    return has;
  }

  /// Of what was begun nothing is under way any more: neither containers nor their folders.
  void settle() { CAF_REQUIRE(boxes->wait_for_rest(patience)); }

  void clear() {
    settle();
    box<absl::Status> done;
    engine.boxes->remove_labelled(container_labels::pool, options.pool, "", "", done.callback());
    CAF_CHECK_EQUAL(done.get(), absl::OkStatus());
  }

  engine_answer ask(const std::string& method, const std::string& target) {
    box<absl::StatusOr<engine_answer>> answer;
    client->call({.method = method, .target = target}, answer.callback());
    return answer.get().value();
  }

  /// Ids of those with our label, by the value of which they are found.
  std::vector<std::string> containers_of(const std::string& kind) {
    const auto value = kind == "pool" ? options.pool : options.directory;
    const nlohmann::json filters{{"label", {"expbuild." + kind + "=" + value.string()}}};
    std::string escaped;
    for (const char c : filters.dump()) {
      char hex[4];
      std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
      escaped += hex;
    }
    std::vector<std::string> ids;
    for (const auto& x :
         nlohmann::json::parse(ask("GET", "/containers/json?all=true&filters=" + escaped).body))
      ids.push_back(x["Id"]);
    return ids;
  }

  command_spec command_for(const std::string& script) {
    own = options.directory / ("attempt-" + std::to_string(++count));
    std::filesystem::create_directories(own);
    CAF_REQUIRE(::chown(own.c_str(), options.identity.uid, options.identity.gid) == 0);
    return {.arguments = {"sh", "-c", script},
            .environment = {{"PATH", "/bin"}},
            .directory = own,
            .root = own,
            .stdout_path = options.directory / "stdout",
            .stderr_path = options.directory / "stderr"};
  }

  ended_box start(command_spec command) {
    ended_box box;
    sut->start(std::move(command), box.callback());
    return box;
  }

  command_ended attempt(const std::string& script,
                        std::chrono::nanoseconds timeout = std::chrono::nanoseconds(0)) {
    auto command = command_for(script);
    command.timeout = timeout;
    auto ended = start(std::move(command)).get();
    CAF_REQUIRE_EQUAL(ended.status(), absl::OkStatus());
    return *std::move(ended);
  }

  /// A command that runs for long, once `wait_until_up` has returned.
  ended_box start_lasting(const std::string& seconds) {
    auto command = command_for("echo so far; sleep " + seconds + " & echo up > up; wait");
    ::mkfifo((own / "up").c_str(), 0666);
    std::filesystem::permissions(own / "up", std::filesystem::perms(0666));
    up = unique_fd(::open((own / "up").c_str(), O_RDWR | O_CLOEXEC));
    return start(std::move(command));
  }
  void wait_until_up() const {
    char text[3] = {};
    CAF_CHECK_EQUAL(::read(up.get(), text, sizeof text), 3);
  }

  /// A timeout and a stop leave nothing of the command, and keep what it has printed.
  void check_kills() {
    const auto seconds = host_fixture::unique_seconds();
    CAF_CHECK(attempt("setsid sleep " + seconds + " & wait", std::chrono::milliseconds(300)).why
              == command_ended::reason::timed_out);
    CAF_CHECK(!host_fixture::runs(seconds));
    auto ended = start_lasting(seconds);
    wait_until_up();
    sut->stop();
    CAF_CHECK(ended.get()->why == command_ended::reason::stopped);
    CAF_CHECK_EQUAL(printed(), "so far\n");
    CAF_CHECK(!host_fixture::runs(seconds));
  }

  std::string printed() const { return read_text(options.directory / "stdout"); }

  /// What it printed, on both streams.
  std::string says(const std::string& script) {
    attempt("exec 2>&1; " + script);
    return printed();
  }
};

} // namespace expbuild::test
