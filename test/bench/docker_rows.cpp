#include "actors/worker/docker/containers.hpp"
#include "test/bench/bench_run.hpp"

#include <cstdlib>
#include <future>

namespace expbuild::bench {

namespace {

constexpr std::size_t many = 3000;
constexpr std::size_t few = 40;
constexpr auto image = "expbuild-test:host";

double measure_server(table& rows, const server_process& server, const std::string& what,
                      std::size_t count, double limit, const std::string& name) {
  auto on = connect(server.address());
  execute(on, new_true_action(on, true)); // its workers have come
  execute(on, new_true_action(on, true));
  std::vector<digest> ids;
  for (std::size_t i = 0; i < count; ++i)
    ids.push_back(new_true_action(on, true));
  return rows
      .add(measure(
               what, count, 4, [&](std::size_t i) { execute(on, ids[i]); }, busy_seconds),
           limit, name)
      .per_second;
}

/// The engine by its API, as one who waits for each answer.
class engine_loop {
public:
  explicit engine_loop(execution_thread& thread)
      : client_(make_engine_client(thread, {.socket = test_engine()})),
        boxes_(make_containers(*client_)) {}

  std::string start(const std::vector<std::string>& command, const std::string& network) {
    std::promise<absl::StatusOr<running_container>> made;
    boxes_->run({.image = image,
                 .command = command,
                 .user = "65534:65534",
                 .network = network,
                 .mounts = {{"/usr", "/usr", true}}},
                [&made](absl::StatusOr<running_container> x) { made.set_value(std::move(x)); });
    auto container = made.get_future().get();
    must(container.status());
    return container->id;
  }

  void remove(const std::string& id) {
    std::promise<absl::Status> gone;
    boxes_->remove(id, [&gone](absl::Status x) { gone.set_value(std::move(x)); });
    must(gone.get_future().get());
  }

  /// What an action costs that has a container of its own: created, started, waited for, removed.
  void run_true(const std::string& network) {
    call("POST", "/containers/" + create(network) + "/start", 204);
    call("POST", "/containers/" + last_ + "/wait", 200);
    remove(last_);
  }

private:
  std::string create(const std::string& network) {
    const auto body = create_body({.image = image,
                                   .command = {"/bin/true"},
                                   .user = "65534:65534",
                                   .network = network,
                                   .mounts = {{"/usr", "/usr", true}}});
    const auto id = parse_id(call("POST", "/containers/create", 201, body));
    must(id.status());
    return last_ = *id;
  }

  std::string call(const std::string& method, const std::string& target, unsigned expected,
                   const std::string& body = {}) {
    std::promise<absl::StatusOr<engine_answer>> told;
    client_->call({.method = method, .target = target, .body = body},
                  [&told](absl::StatusOr<engine_answer> x) { told.set_value(std::move(x)); });
    auto answer = told.get_future().get();
    must(answer.status());
    if (answer->status != expected)
      must(absl::InternalError(method + " " + target + ": " + answer->message()));
    return answer->body;
  }

  std::unique_ptr<engine_client> client_;
  std::shared_ptr<containers> boxes_;
  std::string last_;
};

double measure_api(table& rows, execution_thread& thread) {
  engine_loop first(thread);
  engine_loop second(thread);
  const auto loopback = first.start({"/bin/sleep", "100000"}, "none");
  std::atomic<int> turn = 0;
  const auto rate =
      rows.add(measure(
                   "create, start, wait, remove by the engine's API, two at a time", few, 2,
                   [&](std::size_t) {
                     thread_local auto& mine = turn++ % 2 == 0 ? first : second;
                     mine.run_true("container:" + loopback);
                   },
                   busy_seconds),
               0, "a limit")
          .per_second;
  first.remove(loopback);
  return rate;
}

double measure_cli(table& rows) {
  const auto command = "docker -H unix://" + test_engine()
                       + " run --rm --network none -v /usr:/usr:ro " + image + " /bin/true";
  return rows
      .add(measure(
               "docker run --rm, two at a time", few / 2, 2,
               [&](std::size_t) {
                 if (std::system(command.c_str()) != 0) // NOLINT: nothing of a client is in it
                   must(absl::InternalError("docker run failed"));
               },
               busy_seconds),
           0, "a peer")
      .per_second;
}

} // namespace

void measure_docker(table& rows, const std::filesystem::path& re_server) {
  if (test_engine().empty())
    return rows.remark("- Docker workers were not measured: only root can start an engine here.");
  double host = 0;
  {
    const server_process server(re_server, host_workers());
    host = measure_server(rows, server, "/bin/true on 2 host workers, 4 in flight", many, 0,
                          "a limit");
  }
  const auto cli = measure_cli(rows);
  {
    const server_process server(re_server, docker_workers("isolation = \"fresh\""));
    const auto rate = measure_server(rows, server, "/bin/true on 2 Docker workers, fresh", many,
                                     host, "host workers");
    rows.remark("- Docker workers, fresh: " + std::to_string(static_cast<int>(rate / cli))
                + " times the rate of docker run --rm.");
  }
  execution_thread thread;
  const auto api = measure_api(rows, thread);
  const server_process server(re_server, docker_workers("isolation = \"container\""));
  measure_server(rows, server, "/bin/true on 2 Docker workers, container", few, api, "the API");
}

} // namespace expbuild::bench
