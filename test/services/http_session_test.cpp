#define CAF_SUITE services.http_session
#include "services/http_session.hpp"
#include "test/services/fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(http_session_tests, service_fixture)

/// Whoever holds a handler may go on for a moment after the end: what was posted has yet to run.
CAF_TEST(a session that is over waits for nothing and holds up no thread) {
  const auto connections = std::make_shared<http_connections>(
      http_endpoint_options{},
      http_router(http_pages(context, [] { return true; }), nullptr, std::chrono::seconds(60)));
  const auto session = std::make_shared<http_session>(
      *connections, 1, boost::asio::ip::tcp::socket(connections->io));
  session->close();
  session->call_after(std::chrono::seconds(60), [] {});
  session->expect_answer_within(std::chrono::seconds(60));
  connections->io.poll();
  CAF_CHECK(connections->io.stopped()); // it does when nothing is left to wait for
}

CAF_TEST_FIXTURE_SCOPE_END()
