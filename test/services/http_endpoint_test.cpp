#define CAF_SUITE services.http_endpoint
#include "services/http_endpoint.hpp"
#include "test/services/http_client.hpp"
#include "test/services/status_fixture.hpp"

#include <nlohmann/json.hpp>

#include <ctime>
#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : status_fixture {
  std::atomic<bool> ready{true};
  std::unique_ptr<http_endpoint> endpoint;

  void open(http_endpoint_options options = {}) {
    options.address = "127.0.0.1:0";
    auto made = make_http_endpoint(options, http_pages(context, [this] { return ready.load(); }));
    CAF_REQUIRE(made.ok());
    endpoint = *std::move(made);
  }
  std::string get(const std::string& target) {
    if (!endpoint)
      open();
    return http_client(endpoint->port()).ask("GET", target);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(http_endpoint_tests, fixture)

CAF_TEST(healthz answers while the process lives) {
  CAF_CHECK(begins(get("/healthz"), "HTTP/1.1 200 "));
}

CAF_TEST(an answer says when it was made) {
  const auto answer = get("/healthz");
  const auto date = answer.substr(answer.find("Date: ") + 6, 29);
  std::tm parts{};
  const auto* end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  CAF_REQUIRE(end != nullptr && *end == 0);
  CAF_CHECK(std::abs(std::difftime(::timegm(&parts), std::time(nullptr))) < 60);
}

CAF_TEST(readyz is 503 while the server does not serve) {
  CAF_CHECK(begins(get("/readyz"), "HTTP/1.1 200 "));
  ready = false;
  const auto answer = get("/readyz");
  CAF_CHECK(begins(answer, "HTTP/1.1 503 "));
  CAF_CHECK(contains(answer, "not serving"));
}

CAF_TEST(metrics are in the text format of Prometheus) {
  const auto answer = get("/metrics?x=y");
  CAF_CHECK(begins(answer, "HTTP/1.1 200 "));
  CAF_CHECK(contains(answer, "text/plain; version=0.0.4"));
  CAF_CHECK(contains(answer, "expbuild_build_info{version=\"1.2.3\"} 1"));
}

CAF_TEST(the status is one JSON object) {
  const auto answer = get("/status");
  CAF_CHECK(contains(answer, "application/json"));
  const auto status = nlohmann::json::parse(body_of(answer));
  CAF_CHECK_EQUAL(status["instance_name"].get<std::string>(), "main");
  CAF_CHECK_EQUAL(status["serving"].get<bool>(), true);
  CAF_CHECK_EQUAL(status["queued_actions"].get<int>(), 4);
  CAF_CHECK_EQUAL(status["cas"]["blobs"].get<int>(), 0);
  CAF_CHECK(status["cas"]["max_bytes"].get<std::int64_t>() > 0);
  CAF_CHECK_EQUAL(status["workers"][0]["state"].get<std::string>(), "busy");
  CAF_CHECK_EQUAL(status["workers"][1]["last_failure"].get<std::string>(),
                  "its runner \"crashed\"");
}

CAF_TEST(an unknown page is 404 and the known ones are named) {
  const auto answer = get("/nothing");
  CAF_CHECK(begins(answer, "HTTP/1.1 404 "));
  CAF_CHECK(contains(answer, "/metrics"));
}

CAF_TEST(other methods are 405) {
  open();
  const auto answer = http_client(endpoint->port()).ask("POST", "/healthz");
  CAF_CHECK(begins(answer, "HTTP/1.1 405 "));
  CAF_CHECK(contains(answer, "Allow: GET, HEAD"));
}

CAF_TEST(HEAD has the length but no body) {
  open();
  const auto answer = http_client(endpoint->port()).ask("HEAD", "/healthz");
  CAF_CHECK(begins(answer, "HTTP/1.1 200 "));
  CAF_CHECK(contains(answer, "Content-Length: 3"));
  CAF_CHECK_EQUAL(body_of(answer), "");
}

CAF_TEST(one connection serves several requests) {
  open();
  http_client client(endpoint->port());
  client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /status HTTP/1.1\r\nHost: "
              "localhost\r\n\r\n");
  const auto answers = client.ask("GET", "/readyz");
  CAF_CHECK(contains(answers, "ok\n"));
  CAF_CHECK(contains(answers, "queued_actions"));
  CAF_CHECK(contains(answers, "ready\n"));
}

CAF_TEST(a header that is too large is refused) {
  open();
  http_client client(endpoint->port());
  client.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  CAF_CHECK(!contains(client.rest(), "HTTP/1.1 200"));
  CAF_CHECK(begins(get("/healthz"), "HTTP/1.1 200 "));
}

CAF_TEST(nonsense closes the connection and harms nobody) {
  open();
  http_client client(endpoint->port());
  client.send(std::string("\x16\x03\x01\x00\xff garbage\r\n\r\n", 18));
  client.rest();
  CAF_CHECK(begins(get("/healthz"), "HTTP/1.1 200 "));
}

CAF_TEST(a silent client is closed after the timeout) {
  open({.timeout = std::chrono::seconds(1)});
  http_client client(endpoint->port());
  CAF_CHECK_EQUAL(client.rest(), "");
}

/// The system keeps up to 4 MiB for the client, and it takes 4 within the timeout: both together
/// are not all.
CAF_TEST(a page is sent for as long as its client takes it) {
  using clock = std::chrono::steady_clock;
  constexpr std::size_t page = 10 << 20;
  constexpr auto time_for_all = std::chrono::milliseconds(5000);
  context->instance_name = std::string(page, 'x');
  open({.timeout = std::chrono::seconds(2)});
  http_client client(endpoint->port(), 128 << 10);
  client.send("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  std::size_t taken = client.some(65536).size();
  const auto began = clock::now();
  for (std::size_t n = 1; n > 0; taken += n) {
    std::this_thread::sleep_until(began + time_for_all * taken / page); // a slow line
    n = client.some(65536).size();
  }
  CAF_CHECK(taken > page);
  CAF_CHECK(clock::now() - began >= time_for_all);
}

CAF_TEST(an actor that does not answer costs the request and not the server) {
  context->cas = fake<cas_actor>(
      [kept = std::make_shared<std::vector<reply<cas_stats>>>()](
          const get_cas_stats&, const reply<cas_stats>& answer) { kept->push_back(answer); });
  open({.timeout = std::chrono::seconds(1)});
  CAF_CHECK(begins(get("/status"), "HTTP/1.1 503 "));
  CAF_CHECK(begins(get("/healthz"), "HTTP/1.1 200 "));
}

CAF_TEST(more connections than allowed are closed at once) {
  open({.max_connections = 2});
  http_client first(endpoint->port());
  http_client second(endpoint->port());
  http_client third(endpoint->port());
  CAF_CHECK_EQUAL(third.rest(), "");
  CAF_CHECK(contains(first.ask("GET", "/healthz"), "200 OK"));
}

CAF_TEST(a connection between two requests makes room for a new one) {
  open({.max_connections = 2});
  http_client first(endpoint->port());
  http_client second(endpoint->port());
  first.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CAF_CHECK(contains(first.reply(), "200 OK"));
  CAF_CHECK(contains(get("/healthz"), "200 OK"));
  CAF_CHECK_EQUAL(first.rest(), "");
  CAF_CHECK(contains(second.ask("GET", "/healthz"), "200 OK"));
}

CAF_TEST(of an endpoint of this machine a page of another name learns its health alone) {
  open();
  const auto ask = [&](const std::string& target, const std::string& host) {
    return http_client(endpoint->port()).ask("GET", target, host);
  };
  for (const auto* target : {"/status", "/metrics", "/ui/", "/nothing"}) {
    CAF_CHECK(begins(ask(target, "evil.example"), "HTTP/1.1 403 "));
    CAF_CHECK(!begins(ask(target, "127.0.0.1:8981"), "HTTP/1.1 403 "));
  }
  CAF_CHECK(begins(ask("/healthz", "evil.example"), "HTTP/1.1 200 "));
  CAF_CHECK(begins(ask("/readyz", "evil.example"), "HTTP/1.1 200 "));
}

CAF_TEST(stopping closes what is open) {
  open();
  http_client client(endpoint->port());
  get("/healthz"); // the first connection has been accepted by now
  endpoint->stop();
  endpoint->stop();
  CAF_CHECK_EQUAL(client.rest(), "");
}

CAF_TEST(addresses that can not be used are refused in words) {
  const http_pages pages(context, [] { return true; });
  CAF_CHECK(absl::IsInvalidArgument(make_http_endpoint({.address = "nowhere"}, pages).status()));
  CAF_CHECK(
      absl::IsInvalidArgument(make_http_endpoint({.address = "127.0.0.1:99999"}, pages).status()));
  open();
  const auto taken = "127.0.0.1:" + std::to_string(endpoint->port());
  const auto second = make_http_endpoint({.address = taken}, pages);
  CAF_CHECK(absl::IsFailedPrecondition(second.status()));
  CAF_CHECK(contains(std::string(second.status().message()), taken));
}

CAF_TEST_FIXTURE_SCOPE_END()
