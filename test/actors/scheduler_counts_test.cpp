#define CAF_SUITE actors.scheduler_counts
#include "test/actors/scheduler_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

CAF_TEST_FIXTURE_SCOPE(scheduler_counts_tests, scheduler_fixture)

CAF_TEST(counts tell the truth) {
  const auto worker = add_worker("w1");
  add_operation(make_job(1));
  add_operation(make_job(2));
  auto now = stats();
  CAF_CHECK_EQUAL(now.queued, 1u);
  CAF_CHECK_EQUAL(now.running, 1u);
  CAF_REQUIRE_EQUAL(now.workers.size(), 1u);
  CAF_CHECK(now.workers[0].condition == worker_condition::busy);
  CAF_CHECK_EQUAL(now.workers[0].action, digest::of("1").hash());
  done(worker, absl::InvalidArgumentError("x"));
  offer(worker.actor, "w1");
  done(worker);
  now = stats();
  CAF_CHECK_EQUAL(now.completed, 1u);
  CAF_CHECK_EQUAL(now.failed, 1u);
  CAF_CHECK_EQUAL(now.queued + now.running, 0u);
}

CAF_TEST(workers are counted at once when they come and go and are drained) {
  const auto in = [this](const std::string& state, int count) {
    return shows(*meters, "expbuild_workers{pool=\"host\",state=\"" + state + "\"} "
                              + std::to_string(count));
  };
  const auto worker = add_worker("w1");
  CAF_CHECK(in("idle", 1));
  drain("w1", true);
  CAF_CHECK(in("idle", 0) && in("drained", 1));
  drain("w1", false);
  caf::anon_send_exit(worker.actor, caf::exit_reason::kill);
  consume_messages();
  CAF_CHECK(in("idle", 0) && in("drained", 0));
}

CAF_TEST(what waits for nobody who is there is told) {
  add_worker("w1");
  drain("w1", true);
  add_operation(make_job(1));
  advance_time(200ms);
  consume_messages();
  CAF_CHECK(shows(*meters, "expbuild_unschedulable_actions 1"));
  drain("w1", false);
  advance_time(200ms);
  consume_messages();
  CAF_CHECK(shows(*meters, "expbuild_unschedulable_actions 0"));
  CAF_CHECK(shows(*meters, "expbuild_queue_oldest_age_seconds 0"));
}

CAF_TEST_FIXTURE_SCOPE_END()
