#define CAF_SUITE worker.engine_watch
#include "actors/worker/docker/engine_watch.hpp"
#include "test/worker/host_fixture.hpp"
#include "test/worker/scripted_engine.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

/// What the watch has told, one after the other.
class told {
public:
  void add(const absl::Status& status) {
    const std::lock_guard guard(mutex_);
    all_.push_back(status);
    changed_.notify_all();
  }
  absl::Status wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    CAF_REQUIRE(changed_.wait_for(lock, patience, [&] { return all_.size() >= count; }));
    return all_[count - 1];
  }
  std::size_t count() {
    const std::lock_guard guard(mutex_);
    return all_.size();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<absl::Status> all_;
};

struct fixture {
  std::atomic<bool> answers = true;
  std::atomic<int> pings = 0;
  std::promise<void> pinged_often;
  std::promise<void> stop; ///< ends the stream of events
  std::shared_future<void> stopped = stop.get_future().share();
  std::unique_ptr<scripted_engine> engine =
      std::make_unique<scripted_engine>([this](engine_connection& x) {
        if (x.request().rfind("GET /v1.41/_ping ", 0) == 0) {
          if (++pings == 5)
            pinged_often.set_value();
          return answers ? x.answer(200, "OK") : x.answer(500, R"({"message":"no disk"})");
        }
        x.begin_chunks();
        stopped.wait();
      });
  execution_thread thread;
  std::unique_ptr<engine_client> client = make_engine_client(thread, {.socket = engine->socket()});
  told changes;
  std::unique_ptr<engine_watch> sut;

  void watch(std::chrono::milliseconds ping_every = 10min) {
    sut = make_engine_watch(thread, *client, {.ping_every = ping_every, .first_pause = 1ms},
                            [this](const absl::Status& x) { changes.add(x); });
  }

  ~fixture() {
    sut.reset();
    client.reset();
    if (stopped.wait_for(0s) != std::future_status::ready)
      stop.set_value();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(engine_watch_tests, fixture)

CAF_TEST(an engine that answers is told once) {
  watch(1ms);
  CAF_CHECK_EQUAL(changes.wait_for(1), absl::OkStatus());
  CAF_REQUIRE(pinged_often.get_future().wait_for(patience) == std::future_status::ready);
  CAF_CHECK_EQUAL(changes.count(), 1u);
}

CAF_TEST(an engine that is not there is told with the reason and is found when it comes) {
  answers = false;
  watch();
  const auto why = changes.wait_for(1);
  CAF_CHECK(absl::IsUnavailable(why));
  CAF_CHECK(std::string(why.message()).find("no disk") != std::string::npos);
  answers = true;
  CAF_CHECK_EQUAL(changes.wait_for(2), absl::OkStatus());
}

CAF_TEST(the end of its events tells at once and not the next ping) {
  watch();
  CAF_CHECK_EQUAL(changes.wait_for(1), absl::OkStatus());
  answers = false;
  stop.set_value();
  CAF_CHECK(absl::IsUnavailable(changes.wait_for(2)));
  answers = true;
  CAF_CHECK_EQUAL(changes.wait_for(3), absl::OkStatus());
}

CAF_TEST(an engine that no longer answers pings is gone although its stream stays) {
  watch(1ms);
  CAF_CHECK_EQUAL(changes.wait_for(1), absl::OkStatus());
  answers = false;
  CAF_CHECK(absl::IsUnavailable(changes.wait_for(2)));
}

CAF_TEST(no engine at all is told) {
  client = make_engine_client(thread, {.socket = "/nowhere/engine.sock"});
  watch();
  CAF_CHECK(std::string(changes.wait_for(1).message()).find("/nowhere/engine.sock")
            != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
