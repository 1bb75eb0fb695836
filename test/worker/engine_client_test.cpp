#define CAF_SUITE worker.engine_client
#include "actors/worker/docker/engine_client.hpp"
#include "test/worker/host_fixture.hpp"
#include "test/worker/scripted_engine.hpp"

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

using answer_box = box<absl::StatusOr<engine_answer>>;

struct fixture {
  execution_thread thread;
  std::unique_ptr<engine_client> client;

  void connect(const std::filesystem::path& socket, std::size_t max_answer_bytes = 1 << 20) {
    client = make_engine_client(thread, {socket, max_answer_bytes});
  }

  absl::StatusOr<engine_answer> call(engine_request request) {
    answer_box box;
    client->call(std::move(request), box.callback());
    return box.get();
  }

  /// What a call ends with when the engine does that.
  absl::StatusOr<engine_answer> answer_of(const scripted_engine::script& script,
                                          std::chrono::milliseconds limit = 20s) {
    const scripted_engine engine(script);
    connect(engine.socket());
    auto answer = call({.target = "/info", .limit = limit});
    client.reset();
    return answer;
  }
};

bool mentions(const absl::Status& status, const std::string& text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(engine_client_tests, fixture)

CAF_TEST(a request is one of HTTP for the version that we speak) {
  std::string seen;
  const scripted_engine engine([&seen](engine_connection& x) {
    seen = x.request();
    x.answer(201, R"({"Id":"abc"})");
  });
  connect(engine.socket());
  const auto answer = call({.method = "POST", .target = "/containers/create?name=x", .body = "{}"});
  CAF_REQUIRE(answer.ok());
  CAF_CHECK_EQUAL(answer->status, 201u);
  CAF_CHECK(answer->ok());
  CAF_CHECK_EQUAL(answer->body, R"({"Id":"abc"})");
  CAF_CHECK_EQUAL(seen.substr(0, seen.find('\r')), "POST /v1.41/containers/create?name=x HTTP/1.1");
  CAF_CHECK(seen.find("Content-Type: application/json") != std::string::npos);
  CAF_CHECK_EQUAL(seen.substr(seen.size() - 2), "{}");
}

CAF_TEST(a refusal is an answer and says what the engine says) {
  const auto answer = answer_of([](engine_connection& x) {
    x.request();
    x.answer(404, R"({"message":"No such image: nope"})");
  });
  CAF_REQUIRE(answer.ok());
  CAF_CHECK(!answer->ok());
  CAF_CHECK_EQUAL(answer->message(), "No such image: nope");
  CAF_CHECK_EQUAL((engine_answer{500, "plain words"}.message()), "plain words");
  CAF_CHECK_EQUAL((engine_answer{500, ""}.message()), "HTTP status 500");
}

CAF_TEST(an engine that is not there is unavailable by name) {
  connect("/nowhere/docker.sock");
  const auto answer = call({.target = "/_ping"});
  CAF_CHECK(absl::IsUnavailable(answer.status()));
  CAF_CHECK(mentions(answer.status(), "/nowhere/docker.sock"));
  CAF_CHECK(mentions(answer.status(), "GET /_ping"));
}

CAF_TEST(an engine that goes away in the middle of its answer is unavailable) {
  for (const std::string part : {"", "HTTP/1.1 200 OK\r\nContent-Len",
                                 "HTTP/1.1 200 OK\r\n"
                                 "Content-Length: 100\r\n\r\n{\"half\":"})
    CAF_CHECK(absl::IsUnavailable(answer_of([part](engine_connection& x) {
                                    x.request();
                                    x.send(part);
                                  }).status()));
}

CAF_TEST(what is no HTTP is unavailable) {
  CAF_CHECK(absl::IsUnavailable(
      answer_of([](engine_connection& x) { x.send("SSH-2.0-OpenSSH\r\n\r\n"); }).status()));
}

CAF_TEST(an engine that says nothing is given up after the limit) {
  box<bool> closed;
  const auto answer =
      answer_of([&](engine_connection& x) { closed.callback()(x.wait_closed()); }, 20ms);
  CAF_CHECK(closed.get());
  CAF_CHECK(absl::IsDeadlineExceeded(answer.status()));
  CAF_CHECK(mentions(answer.status(), "within 20 ms"));
}

CAF_TEST(an answer that is too large is not taken) {
  const scripted_engine engine([](engine_connection& x) {
    x.request();
    x.answer(200, std::string(2000, 'x'));
  });
  connect(engine.socket(), 1000);
  CAF_CHECK(absl::IsResourceExhausted(call({.target = "/info"}).status()));
}

CAF_TEST(a stream is told line by line however it is cut) {
  const scripted_engine engine([](engine_connection& x) {
    x.request();
    x.begin_chunks();
    x.chunk("{\"a\":1}\n{\"b\"");
    x.chunk(":2}\r\n\n");
    x.chunk("{\"last\":3}");
    x.chunk("");
  });
  connect(engine.socket());
  std::vector<std::string> lines;
  box<absl::Status> end;
  const auto held = client->follow(
      {.target = "/events"}, [&](const std::string& line) { lines.push_back(line); },
      end.callback());
  CAF_CHECK_EQUAL(end.get(), absl::OkStatus());
  CAF_REQUIRE_EQUAL(lines.size(), 3u);
  CAF_CHECK_EQUAL(lines[0], "{\"a\":1}");
  CAF_CHECK_EQUAL(lines[1], "{\"b\":2}\r");
  CAF_CHECK_EQUAL(lines[2], "{\"last\":3}");
}

CAF_TEST(a stream that is refused or breaks says so) {
  for (const bool refused : {true, false}) {
    const scripted_engine engine([refused](engine_connection& x) {
      x.request();
      if (refused)
        return x.answer(500, R"({"message":"no such registry"})");
      x.begin_chunks();
      x.chunk("{}\n");
    });
    connect(engine.socket());
    box<absl::Status> end;
    const auto held = client->follow(
        {.method = "POST", .target = "/images/create?fromImage=x"}, [](const std::string&) {},
        end.callback());
    const auto status = end.get();
    CAF_CHECK(absl::IsUnavailable(status));
    CAF_CHECK(!refused || mentions(status, "no such registry"));
    client.reset();
  }
}

CAF_TEST(who lets a stream go hears no more of it and its connection is closed) {
  box<bool> closed;
  box<std::string> first;
  const scripted_engine engine([&](engine_connection& x) {
    x.request();
    x.begin_chunks();
    x.chunk("{}\n");
    closed.callback()(x.wait_closed());
  });
  connect(engine.socket());
  auto held = client->follow({.target = "/events"}, first.callback(),
                             [](const absl::Status&) { CAF_ERROR("told of an end"); });
  CAF_CHECK_EQUAL(first.get(), "{}");
  held.reset();
  CAF_CHECK(closed.get());
}

CAF_TEST(a client that goes takes its calls along) {
  box<bool> closed;
  box<bool> asked;
  const scripted_engine engine([&](engine_connection& x) {
    x.request();
    asked.callback()(true);
    closed.callback()(x.wait_closed());
  });
  connect(engine.socket());
  client->call({.target = "/containers/x/wait"},
               [](const absl::StatusOr<engine_answer>&) { CAF_ERROR("answered"); });
  CAF_CHECK(asked.get());
  client.reset();
  CAF_CHECK(closed.get());
}

CAF_TEST(the socket is that of DOCKER_HOST or the usual one) {
  CAF_CHECK_EQUAL(engine_socket("")->string(), "/var/run/docker.sock");
  CAF_CHECK_EQUAL(engine_socket("unix:///run/x.sock")->string(), "/run/x.sock");
  for (const auto* other : {"tcp://10.0.0.1:2375", "ssh://host", "unix://", "/run/x.sock"})
    CAF_CHECK(absl::IsInvalidArgument(engine_socket(other).status()));
}

CAF_TEST_FIXTURE_SCOPE_END()
