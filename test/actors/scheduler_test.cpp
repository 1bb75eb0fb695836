#define CAF_SUITE actors.scheduler
#include "test/actors/scheduler_fixture.hpp"

#include "google/rpc/error_details.pb.h"

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

/// Of a status with RetryInfo; 0 without.
std::int64_t retry_seconds(const absl::Status& status) {
  google::rpc::RetryInfo info;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.RetryInfo");
  if (payload)
    CAF_CHECK(info.ParseFromString(std::string(*payload)));
  return info.retry_delay().seconds();
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(scheduler_tests, scheduler_fixture)

CAF_TEST(a job starts at once when a worker is free) {
  const auto worker = add_worker("w1");
  const auto operation = add_operation(make_job(1));
  CAF_REQUIRE_EQUAL(worker.log->runs.size(), 1u);
  CAF_REQUIRE_EQUAL(operation->stages.size(), 1u);
  CAF_CHECK(operation->stages[0].stage == execution_stage::executing);
  CAF_CHECK_EQUAL(operation->stages[0].worker, "w1");
}

CAF_TEST(housekeeping is no part of the trace of the action that came first) {
  const auto trace = new_trace_id();
  {
    const trace_scope scope(trace);
    add_operation(make_job(1, 0, {{"OSFamily", "linux"}}));
  }
  const auto before = trace_log::of_trace(trace).size();
  for (int i = 0; i < 5; ++i) {
    sched.advance_time(std::chrono::milliseconds(100));
    consume_messages();
  }
  CAF_CHECK_EQUAL(trace_log::of_trace(trace).size(), before);
}

CAF_TEST(what happens to a job is told in its own trace whatever made the worker free) {
  const auto trace = new_trace_id();
  {
    const trace_scope scope(trace);
    add_operation(make_job(1)); // waits
  }
  const auto worker = add_worker("w1");
  CAF_REQUIRE_EQUAL(worker.log->runs.size(), 1u);
  CAF_CHECK_EQUAL(worker.log->runs[0].trace.trace, trace);
  const auto another = add_worker("w2");
  caf::anon_send_exit(worker.actor, caf::exit_reason::kill); // the job goes to the other
  consume_messages();
  CAF_REQUIRE_EQUAL(another.log->runs.size(), 1u);
  CAF_CHECK_EQUAL(another.log->runs[0].trace.trace, trace);
}

CAF_TEST(a waiting job starts at once when a worker becomes free without any timer) {
  const auto operation = add_operation(make_job(1));
  const auto worker = add_worker("w1");
  CAF_CHECK_EQUAL(worker.log->runs.size(), 1u);
  done(worker);
  CAF_REQUIRE_EQUAL(operation->ends.size(), 1u);
  CAF_CHECK(operation->ends[0].status.ok());
}

CAF_TEST(an action that no worker could ever run is refused naming the property and the offer) {
  const auto operation = add_operation(make_job(1, 0, {{"OSFamily", "plan9"}}));
  CAF_REQUIRE_EQUAL(operation->ends.size(), 1u);
  CAF_CHECK(absl::IsFailedPrecondition(operation->ends[0].status));
  const std::string text(operation->ends[0].status.message());
  CAF_CHECK(text.find("OSFamily=plan9") != std::string::npos);
  CAF_CHECK(text.find("OSFamily=linux") != std::string::npos);
}

CAF_TEST(a full queue says how long it is and when a place becomes free) {
  const auto worker = add_worker("w1");
  add_operation(make_job(1));
  add_operation(make_job(2));
  for (int i = 3; i < 6; ++i) { // one ends every 5 s
    advance_time(5s);
    add_operation(make_job(static_cast<std::uint64_t>(i)));
    done(worker);
    offer(worker.actor, "w1");
  }
  add_operation(make_job(8));
  const auto refused = add_operation(make_job(9));
  CAF_REQUIRE_EQUAL(refused->ends.size(), 1u);
  const auto& status = refused->ends[0].status;
  CAF_CHECK(absl::IsResourceExhausted(status));
  const std::string text(status.message());
  CAF_CHECK(text.find("2 actions wait already (execution.pool.max_queue_size)")
            != std::string::npos);
  CAF_CHECK(text.find("a place becomes free about every 3334 ms") != std::string::npos);
  CAF_CHECK_EQUAL(retry_seconds(status), 4);
}

CAF_TEST(an action that nobody could run is told to come back only while workers are starting) {
  const auto work = make_job(1, 0, {{"OSFamily", "plan9"}});
  const auto early = add_operation(work)->ends.at(0).status;
  CAF_CHECK(absl::IsFailedPrecondition(early));
  CAF_CHECK_EQUAL(retry_seconds(early), 1);
  add_worker("w1");
  add_worker("w2", {{"OSFamily", "linux"}, {"Pool", "gpu"}});
  const auto late = add_operation(make_job(2, 0, {{"OSFamily", "plan9"}}))->ends.at(0).status;
  CAF_CHECK(absl::IsFailedPrecondition(late));
  CAF_CHECK_EQUAL(retry_seconds(late), 0);
  CAF_CHECK(std::string(late.message()).find("OSFamily=plan9") != std::string::npos);
  CAF_CHECK(std::string(late.message()).find("{OSFamily=linux}") != std::string::npos);
}

CAF_TEST(a full queue refuses with the time to retry and keeps what waits) {
  const auto first = add_operation(make_job(1));
  const auto second = add_operation(make_job(2));
  const auto third = add_operation(make_job(3));
  CAF_REQUIRE_EQUAL(third->ends.size(), 1u);
  CAF_CHECK(absl::IsResourceExhausted(third->ends[0].status));
  CAF_CHECK(
      third->ends[0].status.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  CAF_CHECK(first->ends.empty());
  CAF_CHECK_EQUAL(stats().queued, 2u);
}

CAF_TEST(withdrawing takes a waiting job from the queue and stops a running one) {
  const auto worker = add_worker("w1");
  const auto running = add_operation(make_job(1));
  const auto waiting = add_operation(make_job(2));
  for (const std::uint64_t execution : {1, 2})
    caf::anon_send(sut,
                   withdraw{.trace = {}, .execution = execution, .why = absl::CancelledError("x")});
  consume_messages();
  CAF_REQUIRE_EQUAL(waiting->ends.size(), 1u);
  CAF_CHECK(absl::IsCancelled(waiting->ends[0].status));
  CAF_CHECK(running->ends.empty());
  CAF_REQUIRE_EQUAL(worker.log->stops.size(), 1u);
  CAF_CHECK_EQUAL(worker.log->stops[0].attempt, worker.log->runs[0].attempt);
}

CAF_TEST(a more urgent listener moves a waiting job up) {
  const auto worker = add_worker("w1");
  add_operation(make_job(1));
  add_operation(make_job(2));
  add_operation(make_job(3));
  caf::anon_send(sut, raise_priority{.trace = {}, .execution = 3, .priority = -5});
  consume_messages();
  done(worker);
  offer(worker.actor, "w1");
  CAF_CHECK_EQUAL(worker.log->runs.back().work->execution, 3u);
}

CAF_TEST(no timer runs while there is nothing to do) {
  const auto worker = add_worker("w1");
  add_operation(make_job(1));
  done(worker);
  advance_time(1s);
  consume_messages();
  CAF_CHECK(!sched.has_pending_timeout());
}

CAF_TEST_FIXTURE_SCOPE_END()
