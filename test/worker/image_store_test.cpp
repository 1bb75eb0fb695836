#define CAF_SUITE worker.image_store
#include "actors/worker/docker/image_store.hpp"
#include "actors/worker/execution_thread_impl.hpp"
#include "test/worker/host_fixture.hpp"
#include "test/worker/scripted_engine.hpp"

#include <atomic>
#include <boost/asio/post.hpp>

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

constexpr auto facts = R"({"Id":"sha256:1","Config":{"Env":["PATH=/bin","A=b=c","odd"]}})";
using image_box = box<absl::StatusOr<image_facts>>;

/// An engine that has an image or not, and a registry behind it that has it or not.
struct fixture {
  std::atomic<bool> has = false;
  std::atomic<const char*> described = facts;
  std::atomic<bool> can_pull = true;
  std::atomic<int> pulls = 0;
  std::atomic<int> held = 0; ///< pulls that wait for `go`
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  scripted_engine engine{[this](engine_connection& x) {
    const auto request = x.request();
    if (request.rfind("POST /v1.41/images/create?fromImage=debian%3A12 ", 0) == 0)
      return pull(x);
    if (request.rfind("GET /v1.41/images/debian%3A12/json ", 0) != 0)
      return x.answer(500, R"({"message":"the test does not know this request"})");
    x.answer(has ? 200 : 404, has ? described.load() : R"({"message":"No such image: debian:12"})");
  }};
  execution_thread thread;
  std::unique_ptr<engine_client> client = make_engine_client(thread, {.socket = engine.socket()});
  std::shared_ptr<image_store> sut;

  fixture() { reopen({}); }
  ~fixture() { client.reset(); }

  void reopen(image_store_options options) { sut = make_image_store(*client, options); }

  void pull(engine_connection& x) {
    ++pulls;
    pulls.notify_all();
    if (held != 0)
      gone.wait();
    x.begin_chunks();
    x.chunk("{\"status\":\"Pulling from library/debian\"}\r\n");
    if (can_pull)
      has = true;
    else
      x.chunk("{\"errorDetail\":{},\"error\":\"manifest unknown\"}\r\n");
    x.send("0\r\n\r\n");
  }

  image_box ask(bool always_pull = false, const std::string& name = "debian:12") {
    image_box answer;
    boost::asio::post(thread.get().loop, [this, name, always_pull, done = answer.callback()] {
      sut->ensure(name, always_pull, done);
    });
    return answer;
  }
};

bool mentions(const absl::Status& status, const std::string& text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(image_store_tests, fixture)

CAF_TEST(an image that the engine has is not pulled) {
  has = true;
  const auto image = ask().get();
  CAF_REQUIRE(image.ok());
  CAF_CHECK_EQUAL(image->id, "sha256:1");
  CAF_REQUIRE_EQUAL(image->environment.size(), 2u);
  CAF_CHECK_EQUAL(image->environment[1].first, "A");
  CAF_CHECK_EQUAL(image->environment[1].second, "b=c");
  CAF_CHECK_EQUAL(pulls.load(), 0);
}

CAF_TEST(an image that is described in another way than expected has no environment) {
  has = true;
  for (const auto* odd :
       {R"({"Id":"x"})", R"({"Id":"x","Config":null})", R"({"Id":"x","Config":[1]})",
        R"({"Id":"x","Config":"y"})", R"({"Id":"x","Config":{"Env":null}})",
        R"({"Id":"x","Config":{"Env":7}})", R"({"Id":"x","Config":{"Env":{"A":1}}})"}) {
    described = odd;
    const auto image = ask().get();
    CAF_REQUIRE(image.ok());
    CAF_CHECK(image->environment.empty());
  }
  for (const auto* useless : {"", "{", "[]", R"({"Id":1})"}) {
    described = useless;
    CAF_CHECK(absl::IsInternal(ask().get().status()));
  }
}

CAF_TEST(an image that it does not have is pulled once whoever asks) {
  held = 1;
  auto first = ask();
  auto second = ask();
  auto third = ask();
  go.set_value();
  CAF_CHECK(first.get().ok() && second.get().ok() && third.get().ok());
  CAF_CHECK_EQUAL(pulls.load(), 1);
}

CAF_TEST(whoever always wants it pulled and whoever does not both get an answer) {
  held = 1;
  auto always = ask(true);
  auto once = ask(false);
  for (int begun = 0; begun < 2; begun = pulls)
    pulls.wait(begun);
  go.set_value();
  CAF_CHECK(always.get().ok());
  CAF_CHECK(once.get().ok());
  CAF_CHECK(ask(true).get().ok());
}

CAF_TEST(an image that can not be pulled is told with what the registry says) {
  can_pull = false;
  const auto status = ask().get().status();
  CAF_CHECK(absl::IsFailedPrecondition(status));
  CAF_CHECK(mentions(status, "'debian:12'"));
  CAF_CHECK(mentions(status, "manifest unknown"));
  can_pull = true; // somebody has pushed it
  CAF_CHECK(ask().get().ok());
}

CAF_TEST(always_pull asks the registry again when the last pull is no longer fresh) {
  has = true;
  CAF_CHECK(ask(true).get().ok());
  CAF_CHECK(ask(true).get().ok());
  CAF_CHECK_EQUAL(pulls.load(), 1);
  reopen({.fresh = 0ms});
  CAF_CHECK(ask(true).get().ok());
  CAF_CHECK(ask(true).get().ok());
  CAF_CHECK_EQUAL(pulls.load(), 3);
}

CAF_TEST(an image that could not be pulled again is never silently the old one) {
  has = true;
  can_pull = false;
  const auto status = ask(true).get().status();
  CAF_CHECK(absl::IsUnavailable(status));
  CAF_CHECK(mentions(status, "manifest unknown"));
}

CAF_TEST(an engine that can not be asked says nothing about the image) {
  client.reset();
  client = make_engine_client(thread, {.socket = "/nowhere/engine.sock"});
  reopen({});
  CAF_CHECK(absl::IsAborted(ask().get().status()));
  CAF_CHECK(absl::IsAborted(ask(true).get().status()));
}

CAF_TEST(what is no name of an image is never asked for) {
  for (const auto* name : {"debian", "host:5000/team/debian:12", "debian@sha256:abc", "a.b-c_d/e"})
    CAF_CHECK(is_image_name(name));
  for (const auto* name :
       {"", "../containers/json", "a/../b", "a//b", "-v", "a b", "a?b", "a%2Fb", "a\nb", "a:"})
    CAF_CHECK(!is_image_name(name));
  CAF_CHECK(absl::IsFailedPrecondition(ask(false, "a/../../info").get().status()));
}

CAF_TEST(a name without a tag means the latest and not all) {
  CAF_CHECK_EQUAL(with_tag("debian"), "debian:latest");
  CAF_CHECK_EQUAL(with_tag("host:5000/debian"), "host:5000/debian:latest");
  CAF_CHECK_EQUAL(with_tag("host:5000/debian:12"), "host:5000/debian:12");
  CAF_CHECK_EQUAL(with_tag("debian@sha256:abc"), "debian@sha256:abc");
}

CAF_TEST_FIXTURE_SCOPE_END()
