#define CAF_SUITE actors.scheduler_workers
#include "test/actors/scheduler_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(scheduler_workers_tests, scheduler_fixture)

CAF_TEST(the step that a worker has reached is told) {
  const auto pulse = std::make_shared<worker_pulse>();
  const auto worker = fake<worker_actor>([](const run_job&) {});
  caf::anon_send(
      sut,
      worker_ready{
          .trace = {}, .name = "w1", .type = "host", .platform = {}, .pid = 1, .pulse = pulse},
      worker);
  consume_messages();
  CAF_CHECK(stats().workers.at(0).step == attempt_step::none);
  pulse->step = attempt_step::collecting;
  CAF_CHECK(stats().workers.at(0).step == attempt_step::collecting);
}

CAF_TEST(a drained worker finishes what it does and gets nothing more until it is undrained) {
  const auto worker = add_worker("w1");
  const auto first = add_operation(make_job(1));
  CAF_CHECK(drain("w*", true) == std::vector<std::string>{"w1"});
  CAF_CHECK(stats().workers.at(0).condition == worker_condition::draining);
  const auto second = add_operation(make_job(2));
  done(worker);
  offer(worker.actor, "w1");
  CAF_CHECK_EQUAL(first->ends.size(), 1u);
  CAF_CHECK_EQUAL(worker.log->runs.size(), 1u);
  CAF_CHECK(stats().workers.at(0).condition == worker_condition::drained);
  drain("w1", false);
  CAF_CHECK_EQUAL(worker.log->runs.size(), 2u);
  CAF_CHECK(drain("nobody", true).empty());
}

CAF_TEST(a worker stays drained when it is restarted) {
  const auto before = add_worker("w1");
  drain("w1", true);
  caf::anon_send_exit(before.actor, caf::exit_reason::kill);
  consume_messages();
  const auto after = add_worker("w1");
  add_operation(make_job(1));
  CAF_CHECK(after.log->runs.empty());
}

CAF_TEST(a worker that is down while it is undrained comes back to work) {
  const auto before = add_worker("w1");
  drain("w1", true);
  caf::anon_send_exit(before.actor, caf::exit_reason::kill);
  consume_messages();
  CAF_CHECK(drain("*", false) == std::vector<std::string>{"w1"});
  const auto after = add_worker("w1");
  add_operation(make_job(1));
  CAF_CHECK_EQUAL(after.log->runs.size(), 1u);
}

CAF_TEST(a worker that is down while its like are drained comes back drained) {
  const auto before = add_worker("w1");
  add_worker("w2");
  caf::anon_send_exit(before.actor, caf::exit_reason::kill);
  consume_messages();
  CAF_CHECK((drain("w*", true) == std::vector<std::string>{"w1", "w2"}));
  const auto after = add_worker("w1");
  add_operation(make_job(1));
  CAF_CHECK(after.log->runs.empty());
}

CAF_TEST(a worker gets nothing before it is ready again) {
  const auto worker = add_worker("w1");
  add_operation(make_job(1));
  const auto second = add_operation(make_job(2));
  done(worker);
  CAF_CHECK_EQUAL(worker.log->runs.size(), 1u);
  offer(worker.actor, "w1");
  CAF_CHECK_EQUAL(worker.log->runs.size(), 2u);
}

CAF_TEST(what a worker offers beyond its declaration counts) {
  add_worker("w1", {{"OSFamily", "linux"}, {"Pool", "special"}});
  const auto wanting = add_operation(make_job(1, 0, {{"Pool", "special"}}));
  CAF_CHECK_EQUAL(wanting->stages.size(), 1u);
}

CAF_TEST(an action for a declared worker that is still starting waits) {
  const auto operation = add_operation(make_job(1, 0, {{"Pool", "gpu"}}));
  add_worker("w1");
  CAF_CHECK(operation->ends.empty());
  const auto gpu = add_worker("w2", {{"OSFamily", "linux"}, {"Pool", "gpu"}});
  CAF_CHECK_EQUAL(gpu.log->runs.size(), 1u);
}

CAF_TEST(an action that only workers which can not come could run ends with the reason) {
  const platform_properties gpu{{"OSFamily", "linux"}, {"Pool", "gpu"}};
  const auto waiting = add_operation(make_job(1, 0, {{"Pool", "gpu"}}));
  const auto other = add_operation(make_job(2));
  caf::anon_send(sut, worker_unusable{.trace = {},
                                      .name = "w2",
                                      .platform = gpu,
                                      .why = absl::FailedPreconditionError("no image 'x'")});
  consume_messages();
  CAF_REQUIRE_EQUAL(waiting->ends.size(), 1u);
  CAF_CHECK_EQUAL(waiting->ends[0].status, absl::FailedPreconditionError("no image 'x'"));
  CAF_CHECK(other->ends.empty()); // w1 may still come
  CAF_CHECK_EQUAL(add_operation(make_job(3, 0, {{"Pool", "gpu"}}))->ends.size(), 1u);
  const auto back = add_worker("w2", gpu);
  CAF_CHECK_EQUAL(back.log->runs.size(), 1u); // the other one
  CAF_CHECK(add_operation(make_job(4, 0, {{"Pool", "gpu"}}))->ends.empty());
}

CAF_TEST(a worker that leaves gets nothing more and hears when nothing is on its way) {
  const auto leaving = add_worker("w1");
  answer_box<unit> box;
  caf::anon_send(sut, worker_leaving{}, leaving.actor, box.make());
  consume_messages();
  CAF_CHECK(box.answered());
  const auto operation = add_operation(make_job(1));
  CAF_CHECK(leaving.log->runs.empty());
  const auto other = add_worker("w2");
  CAF_CHECK_EQUAL(other.log->runs.size(), 1u);
  CAF_CHECK(operation->ends.empty());
}

CAF_TEST(the job of a dead worker runs on another one) {
  const auto dying = add_worker("w1");
  const auto operation = add_operation(make_job(1));
  const auto other = add_worker("w2");
  caf::anon_send_exit(dying.actor, caf::exit_reason::kill);
  consume_messages();
  CAF_REQUIRE_EQUAL(other.log->runs.size(), 1u);
  CAF_CHECK(operation->ends.empty());
  CAF_REQUIRE_EQUAL(operation->stages.size(), 3u);
  CAF_CHECK(operation->stages[1].stage == execution_stage::queued);
  CAF_CHECK_EQUAL(operation->stages[2].worker, "w2");
  done(other);
  CAF_CHECK(operation->ends.at(0).status.ok());
}

CAF_TEST(a job that loses its worker too often ends and says why) {
  const auto operation = add_operation(make_job(1));
  for (const auto* name : {"w1", "w2"}) {
    const auto worker = add_worker(name);
    caf::anon_send_exit(worker.actor, caf::exit_reason::kill);
    consume_messages();
  }
  CAF_REQUIRE_EQUAL(operation->ends.size(), 1u);
  CAF_CHECK(absl::IsUnavailable(operation->ends[0].status));
  CAF_CHECK(std::string(operation->ends[0].status.message()).find("w2") != std::string::npos);
}

CAF_TEST(a withdrawn job whose worker dies before it has stopped ends and runs nowhere else) {
  const auto dying = add_worker("w1");
  const auto operation = add_operation(make_job(1));
  caf::anon_send(sut,
                 withdraw{.trace = {}, .execution = 1, .why = absl::CancelledError("not wanted")});
  consume_messages();
  CAF_CHECK_EQUAL(dying.log->stops.size(), 1u);
  caf::anon_send_exit(dying.actor, caf::exit_reason::kill);
  consume_messages();
  const auto other = add_worker("w2");
  CAF_CHECK(other.log->runs.empty());
  CAF_REQUIRE_EQUAL(operation->ends.size(), 1u);
  CAF_CHECK_EQUAL(operation->ends[0].status, absl::CancelledError("not wanted"));
  CAF_CHECK_EQUAL(stats().running, 0u);
}

CAF_TEST(a late answer of a given up attempt is ignored) {
  const auto dying = add_worker("w1");
  const auto operation = add_operation(make_job(1));
  const auto other = add_worker("w2");
  caf::anon_send_exit(dying.actor, caf::exit_reason::kill);
  consume_messages();
  done(dying); // comes from the grave
  CAF_CHECK(operation->ends.empty());
  done(other);
  CAF_CHECK_EQUAL(operation->ends.size(), 1u);
}

CAF_TEST(an offer that comes after its worker died is no offer) {
  const auto dying = add_worker("w1");
  caf::anon_send_exit(dying.actor, caf::exit_reason::kill);
  consume_messages();
  offer(dying.actor, "w1");
  CAF_CHECK(stats().workers.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
