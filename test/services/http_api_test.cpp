#define CAF_SUITE services.http_api
#include "services/http_api.hpp"
#include "services/http_endpoint.hpp"
#include "services/http_query.hpp"
#include "test/services/http_client.hpp"
#include "test/services/status_fixture.hpp"

#include <nlohmann/json.hpp>

using namespace expbuild;
using namespace expbuild::test;
using nlohmann::json;

namespace {

struct fixture : status_fixture {
  http_api_options options{
      .control = false, .grpc_address = "host:8980", .local_names_only = false};
  std::unique_ptr<http_endpoint> endpoint;
  const digest action = digest::of("an action");
  const std::uint64_t trace = new_trace_id();

  ~fixture() { endpoint.reset(); }

  http_client connect() {
    if (!endpoint) {
      auto made = make_http_endpoint({.address = "127.0.0.1:0"},
                                     http_pages(
                                         context, [] { return true; }, options));
      CAF_REQUIRE(made.ok());
      endpoint = *std::move(made);
    }
    return http_client(endpoint->port());
  }

  std::string ask(const std::string& method, const std::string& target) {
    return connect().ask(method, "/api/v1/" + target);
  }

  json get(const std::string& target, int expected = 200) {
    const auto answer = ask("GET", target);
    CAF_CHECK_EQUAL(answer.substr(0, 12), "HTTP/1.1 " + std::to_string(expected));
    return json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  /// The recorder hears of an action as dispatcher and operation tell it.
  void begin_action() {
    const trace_scope scope(trace);
    request_metadata asker;
    asker.target_id = "//some:target";
    asker.action_mnemonic = "CppCompile";
    caf::anon_send(context->recorder, action_began{.trace = {},
                                                   .execution = 1,
                                                   .operation = "operation-1",
                                                   .action = action,
                                                   .asker = asker,
                                                   .loaded = nullptr});
  }

  void end_action() {
    const trace_scope scope(trace);
    auto result = std::make_shared<reapi::ActionResult>();
    result->set_exit_code(3);
    caf::anon_send(context->recorder, action_ended{.trace = {},
                                                   .execution = 1,
                                                   .outcome = action_outcome::nonzero,
                                                   .status = {},
                                                   .metadata = {},
                                                   .result = result});
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(http_api_tests, fixture)

CAF_TEST(the status tells what is wrong in words) {
  const auto status = get("status");
  CAF_CHECK_EQUAL(status["queuedActions"].get<std::string>(), "4");
  CAF_REQUIRE_EQUAL(status["problems"].size(), 1u);
  CAF_CHECK(contains(status["problems"][0]["what"].get<std::string>(), "host-worker-2 is down"));
  CAF_CHECK_EQUAL(get("workers")["workers"].size(), 2u);
}

CAF_TEST(actions are listed and filtered and a bad filter is told) {
  begin_action();
  const auto all = get("actions");
  CAF_REQUIRE_EQUAL(all["actions"].size(), 1u);
  CAF_CHECK_EQUAL(all["actions"][0]["targetId"].get<std::string>(), "//some:target");
  CAF_CHECK(get("actions?filter=mnemonic%3DJavac")["actions"].empty());
  CAF_CHECK_EQUAL(
      get("actions?filter=state%3Dlive+mnemonic%3DCppCompile")["total"].get<std::string>(), "1");
  const auto error = get("actions?filter=colour%3Dred", 400);
  CAF_CHECK_EQUAL(error["error"]["code"].get<std::string>(), "INVALID_ARGUMENT");
}

CAF_TEST(an action is told with why it failed although nothing of it is stored) {
  begin_action();
  end_action();
  const auto x = get("actions/operation-1");
  CAF_CHECK_EQUAL(x["action"]["outcome"].get<std::string>(), "nonzero");
  CAF_CHECK(contains(x["explanation"]["summary"].get<std::string>(), "exit code 3"));
  CAF_CHECK_EQUAL(x["notes"].size(), 1u);
  get("actions/nobody-knows-it", 404);
}

CAF_TEST(a trace is told and downloaded for a viewer) {
  begin_action();
  const auto hash = action.hash().substr(0, 10);
  const auto told = get("trace/" + hash);
  CAF_CHECK_EQUAL(told["events"][0]["message"].get<std::string>(), "action_began");
  const auto viewer = get("trace/" + hash + "?format=chrome");
  CAF_CHECK(viewer["traceEvents"].size() >= 2u);
}

CAF_TEST(whoever watches is told of each action without asking again) {
  auto client = connect();
  client.send("GET /api/v1/watch?actions=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CAF_CHECK(contains(client.until("events\n\n"), "text/event-stream"));
  begin_action();
  const auto began = client.until("\n\n");
  CAF_CHECK(contains(began, "event: action\ndata: {"));
  CAF_CHECK(contains(began, "operation-1"));
  end_action();
  CAF_CHECK(contains(client.until("\n\n"), "\"outcome\":\"nonzero\""));
}

CAF_TEST(workers are controlled only where that is allowed and meant) {
  CAF_CHECK(contains(ask("POST", "workers/w1/drain"), "403"));
  endpoint.reset();
  options.control = true;
  context->scheduler = fake<scheduler_actor>(
      [](const drain_workers& x, const reply<std::vector<std::string>>& answer) {
        answer(x.drain ? x.names : std::vector<std::string>{});
      });
  CAF_CHECK(contains(ask("POST", "workers/w1/drain"), "X-Expbuild-Control"));
  auto client = connect();
  client.send(
      "POST /api/v1/workers/w1/drain HTTP/1.1\r\nHost: localhost\r\nX-Expbuild-Control: 1\r\n"
      "Content-Length: 0\r\n\r\n");
  CAF_CHECK(contains(client.reply(), "\"w1\""));
}

CAF_TEST(a page of another name can not read an endpoint of this machine) {
  options.local_names_only = true;
  for (const auto* target : {"/api/v1/status", "/api/v1/watch", "/api/v1/log?follow=1"})
    CAF_CHECK(begins(connect().ask("GET", target, "evil.example"), "HTTP/1.1 403 "));
  for (const auto* host : {"localhost:8981", "127.0.0.1:8981", "[::1]:8981", "localhost", ""})
    CAF_CHECK(is_local_host(host));
  for (const auto* host : {"evil.example", "127.evil", "localhost.evil.example:80"})
    CAF_CHECK(!is_local_host(host));
}

CAF_TEST(what an action printed is shown as text and nothing else) {
  const auto id = put("<script>alert(1)</script>");
  const auto answer = ask("GET", "blob/sha256/" + id.to_string() + "?limit=8");
  CAF_CHECK(contains(answer, "text/plain"));
  CAF_CHECK(contains(answer, "nosniff"));
  CAF_CHECK(contains(answer, "\r\n\r\n<script>"));
  CAF_CHECK(!contains(answer, "alert"));
  CAF_CHECK(contains(ask("GET", "blob/sha256/" + id.to_string()), "alert(1)</script>"));
}

CAF_TEST(a directory is told as JSON) {
  reapi::Directory dir;
  dir.add_files()->set_name("main.cc");
  const auto id = put(dir.SerializeAsString());
  CAF_CHECK_EQUAL(get("directory/sha256/" + id.to_string())["files"][0]["name"].get<std::string>(),
                  "main.cc");
  get("directory/sha256/nonsense/5", 400);
  get("nothing-like-it", 404);
}

CAF_TEST(a query is decoded and stays what it is) {
  const http_query query("/a%2Fb/%zz?x=1+2&y=%26&flag");
  CAF_REQUIRE_EQUAL(query.segments().size(), 2u);
  CAF_CHECK_EQUAL(query.segments()[0], "a/b");
  CAF_CHECK_EQUAL(query.segments()[1], "%zz");
  CAF_CHECK_EQUAL(query.get("x"), "1 2");
  CAF_CHECK_EQUAL(query.get("y"), "&");
  CAF_CHECK(query.get("flag").empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
