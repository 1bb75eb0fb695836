#define CAF_SUITE services.log
#include "actors/log.hpp"
#include "actors/log_sink.hpp"
#include "services/http_api.hpp"
#include "services/http_endpoint.hpp"
#include "services/log_reader.hpp"
#include "test/services/http_client.hpp"
#include "test/services/status_fixture.hpp"

#include "expbuild/admin/v1/admin.grpc.pb.h"

#include <nlohmann/json.hpp>

using namespace expbuild;
using namespace expbuild::test;
using nlohmann::json;

namespace {

using level = spdlog::level::level_enum;
using messages = std::vector<std::string>;

const std::string told = "action abcd/5 ended trace=0000000000000abc";

void say(log_ring& to, const std::string& message, level how = level::info,
         const std::string& module = "scheduler") {
  to.push({.at = std::chrono::system_clock::from_time_t(1'764'504'000),
           .level = how,
           .module = module,
           .message = message});
}

void say_of_action(log_ring& to, const std::string& module) {
  to.push({.at = std::chrono::system_clock::from_time_t(1'764'504'000),
           .level = level::info,
           .module = module,
           .message = "action abcd/5 ended",
           .action = "abcd/5",
           .operation = "operation-1",
           .trace = 0xabc});
}

struct fixture : status_fixture {
  /// The daemon's own is there once for all tests: each has a module to itself.
  log_ring& ring = *the_log().ring();
  const std::string module = "test" + std::to_string(++tests);
  std::unique_ptr<http_endpoint> endpoint;

  fixture() {
    say(ring, "one", level::info, module);
    say(ring, "three", level::debug, module);
    say_of_action(ring, module);
  }
  ~fixture() { endpoint.reset(); }

  admin::v1::GetLogRequest request(int last = 0) const {
    admin::v1::GetLogRequest x;
    x.set_last(last);
    x.set_module(module);
    return x;
  }

  http_client connect() {
    auto made = make_http_endpoint(
        {.address = "127.0.0.1:0"},
        http_pages(context, [] { return true; },
                   {.control = false, .grpc_address = "host:8980", .local_names_only = false}));
    CAF_REQUIRE(made.ok());
    endpoint = *std::move(made);
    return http_client(endpoint->port());
  }

  inline static int tests = 0;
};

/// The messages that a reader of a log with some lines is told.
messages read(const admin::v1::GetLogRequest& x) {
  const auto ring = std::make_shared<log_ring>();
  say(*ring, "one");
  say(*ring, "two", level::warn, "cas");
  say(*ring, "three", level::debug);
  say_of_action(*ring, "operation");
  auto reader = log_reader::make(ring, x);
  CAF_REQUIRE(reader.ok());
  messages found;
  while (const auto line = reader->next())
    found.push_back(line->message());
  CAF_CHECK(reader->ended()->ok());
  return found;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(log_tests, fixture)

CAF_TEST(the last lines are answered as far as they fit) {
  admin::v1::GetLogRequest x;
  CAF_CHECK_EQUAL(read(x), (messages{"one", "two", told}));
  x.set_last(1);
  CAF_CHECK_EQUAL(read(x), messages{told});
  x.set_last(-1);
  CAF_CHECK(read(x).empty());
  x.set_last(0);
  for (const auto* text : {"abcd/5", "operation-1", "trace=0000000000000abc"}) {
    x.set_contains(text);
    CAF_CHECK_EQUAL(read(x), messages{told});
  }
  x.clear_contains();
  x.set_level("warn");
  CAF_CHECK_EQUAL(read(x), messages{"two"});
  x.set_level("debug");
  CAF_CHECK_EQUAL(read(x).size(), 4u);
  x.set_module("scheduler");
  CAF_CHECK_EQUAL(read(x), (messages{"one", "three"}));
}

CAF_TEST(what can not be asked for is refused) {
  auto x = request();
  x.set_contains(std::string(2000, 'x'));
  CAF_CHECK(absl::IsInvalidArgument(log_reader::make(the_log().ring(), x).status()));
  x = request();
  x.set_level("loud");
  client_context call;
  const auto lines = stub<admin::v1::Admin>()->GetLog(&call, x);
  admin::v1::LogLine line;
  CAF_CHECK(!lines->Read(&line));
  const auto status = lines->Finish();
  CAF_CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CAF_CHECK(contains(status.error_message(), "'loud'"));
}

CAF_TEST(whoever follows is told what comes until the server stops) {
  auto x = request(1);
  x.set_follow(true);
  client_context call;
  const auto lines = stub<admin::v1::Admin>()->GetLog(&call, x);
  admin::v1::LogLine line;
  CAF_REQUIRE(lines->Read(&line));
  CAF_CHECK_EQUAL(line.action_digest(), "abcd/5");
  CAF_CHECK_EQUAL(line.operation(), "operation-1");
  CAF_CHECK_EQUAL(line.trace_id(), "0000000000000abc");
  CAF_CHECK_EQUAL(line.level(), "info");
  CAF_CHECK_EQUAL(line.at().seconds(), 1'764'504'000);
  say(ring, "left out", level::debug, module);
  say(ring, "four", level::info, module);
  CAF_REQUIRE(lines->Read(&line));
  CAF_CHECK_EQUAL(line.message(), "four");
  ring.end_followers();
  CAF_CHECK(!lines->Read(&line));
  CAF_CHECK(lines->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
}

CAF_TEST(whoever reads too slowly is told how many lines are missing) {
  admin::v1::GetLogRequest x;
  x.set_last(-1);
  x.set_follow(true);
  const auto own = std::make_shared<log_ring>();
  auto reader = *log_reader::make(own, x);
  CAF_CHECK(!reader.next());
  CAF_CHECK(!reader.ended());
  for (int i = 0; i < 12'000; ++i)
    say(*own, std::to_string(i));
  const auto missing = reader.next();
  CAF_REQUIRE(missing);
  CAF_CHECK_EQUAL(missing->lost(), 2000);
  CAF_CHECK(contains(missing->message(), "2000 lines are missing here"));
  for (int i = 2000; i < 12'000; ++i) {
    const auto line = reader.next();
    CAF_REQUIRE(line);
    CAF_REQUIRE_EQUAL(line->message(), std::to_string(i));
  }
  CAF_CHECK(!reader.next());
}

CAF_TEST(a browser follows it as events) {
  auto client = connect();
  client.send("GET /api/v1/log?last=1&follow=1&level=&contains=&module=" + module
              + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CAF_CHECK(contains(client.until("\r\n\r\n"), "text/event-stream"));
  client.until("event: line\ndata: ");
  const auto first = json::parse(client.until("\n\n"));
  CAF_CHECK_EQUAL(first["actionDigest"].get<std::string>(), "abcd/5");
  say(ring, "four\" <b>", level::info, module);
  client.until("event: line\ndata: ");
  CAF_CHECK_EQUAL(json::parse(client.until("\n\n"))["message"].get<std::string>(), "four\" <b>");
}

CAF_TEST(without following it is one object a line) {
  const auto answer = connect().ask("GET", "/api/v1/log?last=2&level=debug&module=" + module);
  CAF_CHECK(contains(answer, "application/x-ndjson"));
  const auto body = body_of(answer);
  CAF_CHECK_EQUAL(std::count(body.begin(), body.end(), '\n'), 2);
  CAF_CHECK_EQUAL(json::parse(body.substr(0, body.find('\n')))["message"].get<std::string>(),
                  "three");
  CAF_CHECK(contains(http_client(endpoint->port()).ask("GET", "/api/v1/log?level=loud"), "400"));
  CAF_CHECK(contains(http_client(endpoint->port()).ask("GET", "/api/v1/log?last=x&follow=1"),
                     "INVALID_ARGUMENT"));
}

CAF_TEST(levels are changed while it runs) {
  const auto set = [this](const std::string& what, const std::string& how,
                          admin::v1::LogLevels* levels) {
    client_context call;
    admin::v1::SetLogLevelRequest x;
    x.set_module(what);
    x.set_level(how);
    return stub<admin::v1::Admin>()->SetLogLevel(&call, x, levels).error_code();
  };
  admin::v1::LogLevels levels;
  CAF_CHECK(set("cas", "error", &levels) == grpc::StatusCode::OK);
  CAF_CHECK_EQUAL(levels.levels().at("cas"), "error");
  CAF_CHECK_EQUAL(levels.levels().at("scheduler"), "info");
  CAF_CHECK(!log_of("cas").should_log(spdlog::level::warn));
  CAF_CHECK(set("sac", "error", &levels) == grpc::StatusCode::INVALID_ARGUMENT);
  CAF_CHECK(set("cas", "loud", &levels) == grpc::StatusCode::INVALID_ARGUMENT);
  CAF_CHECK(set("", "info", &levels) == grpc::StatusCode::OK);
  CAF_CHECK(set("", "", &levels) == grpc::StatusCode::OK);
  CAF_CHECK_EQUAL(levels.levels().at("cas"), "info");
}

CAF_TEST_FIXTURE_SCOPE_END()
