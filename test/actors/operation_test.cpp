#define CAF_SUITE actors.operation
#include "storage/missing.hpp"
#include "test/actors/operation_fixture.hpp"

#include "google/rpc/error_details.pb.h"

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

CAF_TEST_FIXTURE_SCOPE(operation_tests, operation_fixture)

CAF_TEST(a cache miss is queued and run and stored and told) {
  const auto x = run(some_action());
  CAF_REQUIRE_EQUAL(w->jobs.size(), 1u);
  CAF_CHECK(x.stream->updates.back().stage == execution_stage::queued);
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK_EQUAL(w->puts.size(), 1u);
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK(x.stream->end->ok());
  CAF_CHECK_EQUAL(x.stream->code(), 0);
  CAF_CHECK(!x.stream->updates.back().response->cached_result());
  for (const auto& update : x.stream->updates)
    CAF_CHECK_EQUAL(update.name, x.name());
}

CAF_TEST(a cache hit runs nothing and says so) {
  const auto action = some_action();
  w->cache[action] = result_with_exit_code(0);
  const auto x = run(action);
  CAF_CHECK(w->jobs.empty());
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK(x.stream->updates.back().response->cached_result());
}

CAF_TEST(skipping the lookup runs again and overwrites the entry) {
  const auto action = some_action();
  w->cache[action] = result_with_exit_code(0);
  run(action, true);
  CAF_REQUIRE_EQUAL(w->jobs.size(), 1u);
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK_EQUAL(w->puts.size(), 1u);
}

CAF_TEST(failures are never cached and their trace is kept) {
  for (const auto& [status, exit_code] :
       std::vector<std::pair<absl::Status, int>>{{absl::OkStatus(), 1},
                                                 {absl::DeadlineExceededError("late"), 0},
                                                 {absl::UnavailableError("lost"), 0}}) {
    run(some_action(status.ToString()));
    end(w->jobs.back(), status, result_with_exit_code(exit_code));
  }
  CAF_CHECK(w->puts.empty());
  CAF_CHECK_EQUAL(kept_traces(), 3u);
}

CAF_TEST(a timeout comes with the result so far) {
  const auto x = run(some_action());
  end(w->jobs[0], absl::DeadlineExceededError("late"), result_with_exit_code(137));
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK_EQUAL(x.stream->code(), 4);
  CAF_CHECK_EQUAL(x.stream->updates.back().response->result().exit_code(), 137);
}

CAF_TEST(a failure says where it ran and how to look at it) {
  const auto action = some_action();
  const auto x = run(action);
  auto result = std::make_shared<reapi::ActionResult>(*result_with_exit_code(1));
  result->mutable_execution_metadata()->set_worker("host-worker-1");
  end(w->jobs[0], absl::OkStatus(), result);
  const auto& message = x.stream->updates.back().response->message();
  CAF_CHECK(message.find("host-worker-1") != std::string::npos);
  CAF_CHECK(message.find("rectl explain " + action.hash().substr(0, 16)) != std::string::npos);
  const auto good = run(some_action("good"));
  end(w->jobs[1], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK_EQUAL(good.stream->updates.back().response->message(), "");
}

CAF_TEST(execution metadata are complete and in order for results and failures and hits) {
  const auto action = some_action("hit");
  w->cache[action] = result_with_exit_code(0); // as a client stores it: without any metadata
  const auto hit = run(action);
  const auto ran = run(some_action("ran"));
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  const auto failed = run(some_action("failed"));
  reapi::ExecutedActionMetadata attempt;
  attempt.set_worker("host-worker-1");
  attempt.mutable_worker_start_timestamp()->set_seconds(4'000'000'000);
  caf::anon_send(w->waiting.at(w->jobs[1]->execution),
                 job_done{.trace = {},
                          .execution = w->jobs[1]->execution,
                          .attempt = 1,
                          .status = absl::UnavailableError("the disk is gone"),
                          .result = nullptr,
                          .metadata = attempt});
  consume_messages();
  for (const auto& x : {hit, ran, failed}) {
    const auto& last = x.stream->updates.back();
    const auto& metadata =
        last.response->has_result() ? last.response->result().execution_metadata() : last.metadata;
    CAF_CHECK(!metadata.worker().empty());
    CAF_CHECK(metadata.queued_timestamp().seconds() > 0);
    CAF_CHECK(metadata.worker_completed_timestamp().seconds()
              >= metadata.worker_start_timestamp().seconds());
  }
  CAF_CHECK_EQUAL(failed.stream->updates.back().metadata.worker_completed_timestamp().seconds(),
                  4'000'000'000);
}

CAF_TEST(thousands of missing blobs are told and no message grows beyond what clients take) {
  std::vector<digest> missing;
  for (int i = 0; i < 5000; ++i)
    missing.push_back(digest::of(std::to_string(i)));
  const auto x = run(some_action("a"));
  end(w->jobs[0], missing_blobs_error("staging", missing), nullptr);
  const auto violations = [](const client& of) {
    google::rpc::PreconditionFailure detail;
    CAF_REQUIRE(of.stream->updates.back().response->status().details(0).UnpackTo(&detail));
    return detail.violations_size();
  };
  CAF_CHECK_EQUAL(violations(x), 5000);
  missing.resize(60'000, digest::of("x"));
  const auto y = run(some_action("b"));
  end(w->jobs[1], missing_blobs_error("staging", missing), nullptr);
  CAF_CHECK(violations(y) > 20'000);
  CAF_CHECK(y.stream->updates.back().response->ByteSizeLong() < (4u << 20));
}

CAF_TEST(a result that can not be cached is still the result) {
  w->put_status = absl::ResourceExhaustedError("full");
  const auto x = run(some_action());
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK_EQUAL(x.stream->code(), 0);
}

CAF_TEST(do_not_cache is neither looked up nor merged nor stored) {
  stored_action uncacheable;
  uncacheable.do_not_cache = true;
  const auto action = uncacheable.in(*store);
  w->cache[action] = result_with_exit_code(0);
  run(action);
  run(action);
  CAF_REQUIRE_EQUAL(w->jobs.size(), 2u);
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(w->puts.empty());
}

CAF_TEST(the same action joins what runs under a name of its own) {
  const auto action = some_action();
  const auto first = run(action);
  const auto second = run(action, false, -7);
  CAF_CHECK_EQUAL(w->jobs.size(), 1u);
  CAF_CHECK(first.name() != second.name());
  CAF_REQUIRE_EQUAL(w->raised.size(), 1u);
  CAF_CHECK_EQUAL(w->raised[0].priority, -7);
  CAF_CHECK(shows(*meters, "expbuild_execute_waiters 2"));
  CAF_CHECK(shows(*meters, "expbuild_execute_requests_total{outcome=\"queued\"} 1"));
  CAF_CHECK(shows(*meters, "expbuild_execute_requests_total{outcome=\"merged\"} 1"));
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(first.stream->completed());
  CAF_CHECK(second.stream->completed());
  CAF_CHECK(shows(*meters, "expbuild_execute_waiters 0"));
}

CAF_TEST(an action that skips the lookup does not join) {
  const auto action = some_action();
  run(action);
  run(action, true);
  CAF_CHECK_EQUAL(w->jobs.size(), 2u);
}

CAF_TEST(a missing action ends the operation with a MISSING violation) {
  const auto x = run(digest::of("nobody uploaded this"));
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK(x.stream->end->ok());
  const auto& status = x.stream->updates.back().response->status();
  CAF_CHECK_EQUAL(status.code(), 9);
  CAF_CHECK_EQUAL(status.details_size(), 1);
  CAF_CHECK(shows(*meters, "expbuild_execute_requests_total{outcome=\"rejected\"} 1"));
}

CAF_TEST(cancelling one of two joined operations lets the action run on) {
  const auto action = some_action();
  const auto first = run(action);
  const auto second = run(action);
  CAF_CHECK(cancel_name(first.name()).status().ok());
  CAF_REQUIRE(first.stream->completed());
  CAF_CHECK_EQUAL(first.stream->code(), 1);
  CAF_CHECK(!second.stream->completed());
  CAF_CHECK(w->withdrawn.empty());
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK_EQUAL(second.stream->code(), 0);
}

CAF_TEST(cancelling the only operation kills the action) {
  const auto x = run(some_action());
  cancel_name(x.name());
  CAF_CHECK_EQUAL(w->withdrawn.size(), 1u);
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK_EQUAL(x.stream->code(), 1);
  CAF_CHECK(x.stream->end->ok());
}

CAF_TEST(an unknown operation can be neither cancelled nor watched) {
  CAF_CHECK(absl::IsNotFound(cancel_name("nobody").status()));
  const auto x = wait_for("nobody");
  CAF_REQUIRE(x.stream->end.has_value());
  CAF_CHECK(absl::IsNotFound(*x.stream->end));
}

CAF_TEST(a client that lost its stream comes back by name and hears the end) {
  const auto x = run(some_action());
  leave(x);
  const auto back = wait_for(x.name());
  CAF_CHECK_EQUAL(back.name(), x.name());
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(back.stream->completed());
}

CAF_TEST(nobody listening for a minute kills the action and no sooner) {
  const auto x = run(some_action());
  const auto wait_seconds = [this](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      advance_time(1s);
      consume_messages();
    }
  };
  wait_seconds(29); // just before a heartbeat
  leave(x);
  wait_seconds(60);
  CAF_CHECK(w->withdrawn.empty());
  wait_seconds(31);
  CAF_CHECK_EQUAL(w->withdrawn.size(), 1u);
}

CAF_TEST(the last state is repeated while an action runs) {
  const auto x = run(some_action());
  const auto before = x.stream->updates.size();
  advance_time(31s);
  consume_messages();
  CAF_CHECK_EQUAL(x.stream->updates.size(), before + 1);
}

CAF_TEST(a finished operation can be watched until the reaper has forgotten it) {
  const auto x = run(some_action());
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(3));
  const auto later = wait_for(x.name());
  CAF_REQUIRE(later.stream->completed());
  CAF_CHECK_EQUAL(later.stream->updates.back().response->result().exit_code(), 3);
  advance_time(301s);
  consume_messages();
  CAF_CHECK(absl::IsNotFound(*wait_for(x.name()).stream->end));
}

CAF_TEST(a finished operation leaves no actor behind) {
  const auto x = run(some_action());
  const auto operation = w->waiting.begin()->second;
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(caf::actor_cast<caf::abstract_actor*>(operation)->getf(
      caf::abstract_actor::is_terminated_flag));
}

CAF_TEST(an operation actor that dies tells its streams to try again) {
  const auto x = run(some_action());
  caf::anon_send_exit(w->waiting.begin()->second, caf::exit_reason::kill);
  consume_messages();
  CAF_REQUIRE(x.stream->end.has_value());
  CAF_CHECK(absl::IsUnavailable(*x.stream->end));
  CAF_CHECK(absl::IsNotFound(*wait_for(x.name()).stream->end));
}

CAF_TEST(draining refuses new actions and is answered when the last one ends) {
  run(some_action());
  answer_box<unit> drained;
  caf::anon_send(sut, drain{}, drained.make());
  consume_messages();
  CAF_CHECK(!drained.answered());
  CAF_CHECK(absl::IsUnavailable(*run(some_action("other")).stream->end));
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(drained.answered());
}

CAF_TEST(an action that is in memory starts at once) {
  store->remembers = true;
  const auto x = send(some_action());
  answer_box<unit> drained;
  caf::anon_send(sut, drain{}, drained.make());
  caf::anon_send(sut, abort_all{.trace = {}, .why = absl::UnavailableError("stopping")});
  consume_messages();
  CAF_CHECK(x.stream->completed()); // it was an operation before everything was aborted
  CAF_CHECK(drained.answered());
}

CAF_TEST(draining waits for an action that is still being read) {
  const auto x = send(some_action());
  answer_box<unit> drained;
  caf::anon_send(sut, drain{}, drained.make()); // handled before the action has been read
  consume_messages();
  CAF_CHECK(!drained.answered());
  CAF_REQUIRE_EQUAL(w->jobs.size(), 1u);
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(x.stream->completed());
  CAF_CHECK(drained.answered());
}

CAF_TEST(aborting everything ends an action that is still being read) {
  const auto x = send(some_action());
  answer_box<unit> drained;
  caf::anon_send(sut, drain{}, drained.make());
  caf::anon_send(sut, abort_all{.trace = {}, .why = absl::UnavailableError("stopping")});
  consume_messages();
  CAF_CHECK(w->jobs.empty());
  CAF_REQUIRE(x.stream->end.has_value());
  CAF_CHECK(absl::IsUnavailable(*x.stream->end));
  CAF_CHECK(drained.answered());
}

CAF_TEST(aborting everything answers every stream) {
  const auto x = run(some_action());
  caf::anon_send(sut, abort_all{.trace = {}, .why = absl::UnavailableError("stopping")});
  consume_messages();
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK_EQUAL(x.stream->code(), 14);
}

CAF_TEST_FIXTURE_SCOPE_END()
