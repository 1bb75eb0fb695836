#define CAF_SUITE actors.operation
#include "storage/missing.hpp"
#include "test/actors/operation_fixture.hpp"

#include "google/rpc/error_details.pb.h"

using namespace expbuild;
using namespace expbuild::test;

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

CAF_TEST(a missing action ends the operation with a MISSING violation) {
  const auto x = run(digest::of("nobody uploaded this"));
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK(x.stream->end->ok());
  const auto& status = x.stream->updates.back().response->status();
  CAF_CHECK_EQUAL(status.code(), 9);
  CAF_CHECK_EQUAL(status.details_size(), 1);
  CAF_CHECK(shows(*meters, "expbuild_execute_requests_total{outcome=\"rejected\"} 1"));
}

CAF_TEST_FIXTURE_SCOPE_END()
