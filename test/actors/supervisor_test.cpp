#define CAF_SUITE actors.supervisor
#include "actors/supervisor.hpp"
#include "test/actors/worker_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

supervisor_options supervise(worker_fixture& f, std::vector<std::string>* fatal = nullptr) {
  supervisor_options x;
  x.workers.push_back({"host-worker-1", "host", [&f](caf::actor_system& system) {
                         return f.keep(system.spawn(worker, f.options));
                       }});
  x.restarts = {.first_pause = 100ms,
                .longest_pause = 1s,
                .quiet = 60s,
                .intensity = 3,
                .window = 60s,
                .quarantine = 60s};
  x.meters = f.meters;
  x.fatal = [fatal](const std::string& why) {
    if (fatal != nullptr)
      fatal->push_back(why);
  };
  return x;
}

worker_status status_of(worker_fixture& f, const supervisor_actor& who) {
  answer_box<std::vector<worker_status>> box;
  caf::anon_send(who, get_workers{}, box.make());
  f.consume_messages();
  return box.value().at(0);
}

supervisor_options with_engine(worker_fixture& f) {
  auto x = supervise(f);
  x.workers[0].dependency = "container engine";
  x.workers[0].image = "debian:12";
  return x;
}

void engine(worker_fixture& f, const supervisor_actor& boss, const absl::Status& status) {
  caf::anon_send(
      boss, dependency_changed{.trace = {}, .dependency = "container engine", .status = status});
  f.consume_messages();
}

const auto gone = absl::UnavailableError("connection refused");

} // namespace

CAF_TEST_FIXTURE_SCOPE(supervisor_tests, worker_fixture)

CAF_TEST(a worker whose executor is lost comes back by itself) {
  const auto boss = keep(sys.spawn(supervisor, supervise(*this)));
  consume_messages();
  s->ready(absl::OkStatus());
  consume_messages();
  s->lost(absl::UnavailableError("runner killed by signal 9"));
  consume_messages();
  auto now = status_of(*this, boss);
  CAF_CHECK_EQUAL(now.restarts, 1u);
  CAF_CHECK(now.condition == worker_condition::backoff);
  CAF_CHECK(now.last_failure.find("signal 9") != std::string::npos);
  advance_time(200ms);
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 2);
  s->ready(absl::OkStatus());
  consume_messages();
  CAF_CHECK_EQUAL(offers->size(), 2u);
}

CAF_TEST(a worker that an operator restarts comes back at once and tells why) {
  const auto boss = keep(sys.spawn(supervisor, supervise(*this)));
  consume_messages();
  s->ready(absl::OkStatus());
  consume_messages();
  answer_box<std::vector<std::string>> box;
  caf::anon_send(boss, restart_workers{.trace = {}, .names = {"host-*"}}, box.make());
  consume_messages();
  CAF_CHECK(box.value() == std::vector<std::string>{"host-worker-1"});
  CAF_CHECK_EQUAL(s->opened, 2);
  const auto now = status_of(*this, boss);
  CAF_CHECK(now.condition == worker_condition::starting);
  CAF_REQUIRE_EQUAL(now.history.size(), 1u);
  CAF_CHECK(now.history[0].why.find("operator") != std::string::npos);
}

CAF_TEST(restarts are counted by why) {
  const auto boss = keep(sys.spawn(supervisor, with_engine(*this)));
  const auto restarts = [this](const std::string& reason, int count) {
    return shows(*meters, "expbuild_worker_restarts_total{pool=\"host\",reason=\"" + reason + "\"} "
                              + std::to_string(count));
  };
  engine(*this, boss, absl::OkStatus());
  CAF_CHECK(shows(*meters, "expbuild_workers{pool=\"host\",state=\"starting\"} 1"));
  s->ready(absl::UnavailableError("no runner"));
  consume_messages();
  CAF_CHECK(restarts("crash", 1));
  CAF_CHECK(shows(*meters, "expbuild_workers{pool=\"host\",state=\"backoff\"} 1"));
  advance_time(200ms);
  consume_messages();
  caf::anon_send(boss, restart_workers{.trace = {}, .names = {"*"}},
                 answer_box<std::vector<std::string>>().make());
  consume_messages();
  CAF_CHECK(restarts("operator", 1));
  engine(*this, boss, gone);
  s->lost(gone);
  consume_messages();
  CAF_CHECK(restarts("crash", 1) && restarts("operator", 1) && restarts("dependency", 1));
}

CAF_TEST(an operator ends a pause) {
  const auto boss = keep(sys.spawn(supervisor, supervise(*this)));
  consume_messages();
  s->ready(absl::UnavailableError("no runner"));
  consume_messages();
  CAF_CHECK(status_of(*this, boss).condition == worker_condition::backoff);
  answer_box<std::vector<std::string>> box;
  caf::anon_send(boss, restart_workers{.trace = {}, .names = {"host-worker-1"}}, box.make());
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 2);
}

CAF_TEST(a worker that can not start backs off and is quarantined and does not spin) {
  const auto boss = keep(sys.spawn(supervisor, supervise(*this)));
  consume_messages();
  for (int i = 0; i < 10; ++i) {
    s->ready(absl::UnavailableError("no runner"));
    consume_messages();
    advance_time(1s);
    consume_messages();
  }
  CAF_CHECK(status_of(*this, boss).condition == worker_condition::quarantined);
  CAF_CHECK_EQUAL(s->opened, 4);
  CAF_CHECK(shows(*meters, "expbuild_worker_quarantines_total{pool=\"host\"} 1"));
  CAF_CHECK(shows(*meters, "expbuild_workers{pool=\"host\",state=\"quarantined\"} 1"));
  advance_time(61s); // one more try after the quarantine
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 5);
}

CAF_TEST(shutting down answers when every worker is gone and restarts none) {
  const auto boss = keep(sys.spawn(supervisor, supervise(*this)));
  consume_messages();
  s->ready(absl::OkStatus());
  answer_box<unit> gone;
  caf::anon_send(boss, shut_down{}, gone.make());
  consume_messages();
  CAF_CHECK(gone.answered());
  advance_time(2s);
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 1);
}

CAF_TEST(the death of a vital actor is fatal and says which) {
  std::vector<std::string> fatal;
  auto options_ = supervise(*this, &fatal);
  options_.vital = {{"cas", blobs.address()}};
  keep(sys.spawn(supervisor, options_));
  consume_messages();
  caf::anon_send_exit(blobs, caf::exit_reason::kill);
  consume_messages();
  CAF_REQUIRE_EQUAL(fatal.size(), 1u);
  CAF_CHECK(fatal[0].find("cas") != std::string::npos);
}

CAF_TEST(a worker waits for its engine and says so) {
  const auto boss = keep(sys.spawn(supervisor, with_engine(*this)));
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 0);
  auto now = status_of(*this, boss);
  CAF_CHECK(now.condition == worker_condition::backoff);
  CAF_CHECK(now.last_failure.find("container engine") != std::string::npos);
  CAF_CHECK_EQUAL(now.image, "debian:12");
  engine(*this, boss, gone); // it was not there from the beginning
  CAF_CHECK(status_of(*this, boss).last_failure.find("connection refused") != std::string::npos);
  advance_time(10min); // however long that takes
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 0);
  engine(*this, boss, absl::OkStatus());
  CAF_CHECK_EQUAL(s->opened, 1);
  now = status_of(*this, boss);
  CAF_CHECK_EQUAL(now.restarts, 0u);
  CAF_CHECK_EQUAL(now.last_failure, "");
}

CAF_TEST(workers of an engine that is gone step down and come back with it at once) {
  const auto boss = keep(sys.spawn(supervisor, with_engine(*this)));
  engine(*this, boss, absl::OkStatus());
  s->ready(absl::OkStatus());
  consume_messages();
  engine(*this, boss, gone);
  leaving->at(0)(unit{});
  consume_messages();
  CAF_CHECK(status_of(*this, boss).condition == worker_condition::backoff);
  CAF_CHECK(status_of(*this, boss).last_failure.find("connection refused") != std::string::npos);
  advance_time(10min);
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 1); // not while it is gone
  engine(*this, boss, absl::OkStatus());
  CAF_CHECK_EQUAL(s->opened, 2);
}

CAF_TEST(what failed while the engine was going does not count once it is back) {
  const auto boss = keep(sys.spawn(supervisor, with_engine(*this)));
  engine(*this, boss, absl::OkStatus());
  for (int i = 0; i < 4; ++i) { // more than the intensity
    s->ready(absl::UnavailableError("the engine is odd"));
    consume_messages();
    advance_time(1s);
    consume_messages();
  }
  CAF_CHECK(status_of(*this, boss).condition == worker_condition::quarantined);
  const auto before = s->opened;
  engine(*this, boss, gone);
  engine(*this, boss, absl::OkStatus());
  CAF_CHECK_EQUAL(s->opened, before + 1);
  advance_time(2min); // nor does the old quarantine start a second one
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, before + 1);
}

CAF_TEST(a restart that comes due while the engine is gone waits) {
  const auto boss = keep(sys.spawn(supervisor, with_engine(*this)));
  engine(*this, boss, absl::OkStatus());
  s->ready(absl::UnavailableError("engine gone"));
  consume_messages();
  engine(*this, boss, gone);
  advance_time(1s);
  consume_messages();
  CAF_CHECK_EQUAL(s->opened, 1);
  engine(*this, boss, absl::OkStatus());
  CAF_CHECK_EQUAL(s->opened, 2);
}

CAF_TEST_FIXTURE_SCOPE_END()
