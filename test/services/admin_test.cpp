#define CAF_SUITE services.admin
#include "test/services/status_fixture.hpp"

#include "expbuild/admin/v1/admin.grpc.pb.h"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(admin_tests, status_fixture)

CAF_TEST(the status joins what scheduler supervisor and CAS know) {
  put("a blob");
  meters->action_ended(action_outcome::cache_hit);
  meters->blobs_evicted(7);
  client_context call;
  admin::v1::Status status;
  CAF_REQUIRE(stub<admin::v1::Admin>()->GetStatus(&call, {}, &status).ok());
  CAF_CHECK_EQUAL(status.version(), "1.2.3");
  CAF_CHECK_EQUAL(status.instance_name(), "main");
  CAF_CHECK(status.started_at().seconds() > 1'600'000'000);
  CAF_CHECK_EQUAL(status.queued_actions(), 4);
  CAF_CHECK_EQUAL(status.running_actions(), 1);
  CAF_CHECK_EQUAL(status.completed_actions(), 20);
  CAF_CHECK_EQUAL(status.failed_actions(), 2);
  CAF_CHECK_EQUAL(status.cached_actions(), 1);
  CAF_CHECK_EQUAL(status.stored_blobs(), 1);
  CAF_CHECK_EQUAL(status.cas().blobs(), 1);
  CAF_CHECK_EQUAL(status.cas().blob_bytes(), 6);
  CAF_CHECK(status.cas().used_bytes() > 0);
  CAF_CHECK(status.cas().max_bytes() > status.cas().used_bytes());
  CAF_CHECK(status.cas().promised_bytes() > 0);
  CAF_CHECK_EQUAL(status.cas().evicted_blobs(), 7);
  CAF_CHECK(status.cas().index_complete());
  CAF_REQUIRE_EQUAL(status.workers_size(), 2);
  const auto& alive = status.workers(0);
  CAF_CHECK_EQUAL(alive.name(), "host-worker-1");
  CAF_CHECK(alive.state() == admin::v1::Worker::BUSY);
  CAF_CHECK_EQUAL(alive.restarts(), 3);
  CAF_CHECK_EQUAL(alive.pid(), 4711);
  CAF_CHECK(contains(alive.action(), "1717"));
  const auto& dead = status.workers(1);
  CAF_CHECK(dead.state() == admin::v1::Worker::BACKOFF);
  CAF_CHECK(contains(dead.last_failure(), "crashed"));
}

CAF_TEST(an actor that is gone leaves its part of the status empty) {
  caf::anon_send_exit(context->scheduler, caf::exit_reason::kill);
  client_context call;
  admin::v1::Status status;
  CAF_REQUIRE(stub<admin::v1::Admin>()->GetStatus(&call, {}, &status).ok());
  CAF_CHECK_EQUAL(status.queued_actions(), 0);
  CAF_CHECK_EQUAL(status.workers_size(), 2);
}

CAF_TEST(a trace is found by the name of its operation) {
  context->dispatcher = fake<dispatcher_actor>([recorder = context->recorder, cas = context->cas](
                                                   const execute& x, const operation_sink& sink) {
    const trace_scope scope(x.trace.trace);
    caf::anon_send(recorder, action_began{.trace = {},
                                          .execution = 1,
                                          .operation = "operation-1",
                                          .action = x.action,
                                          .asker = x.asker,
                                          .loaded = nullptr});
    caf::anon_send(cas, find_missing{.trace = {}, .digests = {}},
                   reply<missing_blobs>([sink](const auto&) { sink.finish(absl::OkStatus()); }));
  });
  client_context execution;
  reapi::ExecuteRequest request;
  *request.mutable_action_digest() = digest::of("an action").to_proto();
  reapi::RequestMetadata metadata;
  metadata.mutable_tool_details()->set_tool_name("bazel");
  metadata.mutable_tool_details()->set_tool_version("7.7.1");
  metadata.set_action_id("action-1");
  metadata.set_tool_invocation_id("invocation-1");
  metadata.set_correlated_invocations_id("nightly-1");
  metadata.set_target_id("//some:target");
  metadata.set_action_mnemonic("CppCompile");
  metadata.set_configuration_id("k8-fastbuild");
  execution.AddMetadata("build.bazel.remote.execution.v2.requestmetadata-bin",
                        metadata.SerializeAsString());
  CAF_REQUIRE(stub<reapi::Execution>()->Execute(&execution, request)->Finish().ok());
  put("x"); // the CAS hears of it once it is done with what it was asked before, and that is traced
  client_context call;
  admin::v1::GetTraceRequest question;
  question.set_query("operation-1");
  admin::v1::Trace trace;
  CAF_REQUIRE(stub<admin::v1::Admin>()->GetTrace(&call, question, &trace).ok());
  CAF_CHECK_EQUAL(trace.operation_name(), "operation-1");
  CAF_CHECK_EQUAL(trace.action_digest(), digest::of("an action").to_string());
  CAF_CHECK_EQUAL(trace.tool_name(), "bazel");
  CAF_CHECK_EQUAL(trace.tool_version(), "7.7.1");
  CAF_CHECK_EQUAL(trace.action_id(), "action-1");
  CAF_CHECK_EQUAL(trace.invocation_id(), "invocation-1");
  CAF_CHECK_EQUAL(trace.correlated_invocations_id(), "nightly-1");
  CAF_CHECK_EQUAL(trace.target_id(), "//some:target");
  CAF_CHECK_EQUAL(trace.action_mnemonic(), "CppCompile");
  CAF_CHECK_EQUAL(trace.configuration_id(), "k8-fastbuild");
  for (const auto* query : {"invocation-1", "nightly-1", "//some:target"}) {
    client_context again;
    question.set_query(query);
    admin::v1::Trace same;
    CAF_REQUIRE(stub<admin::v1::Admin>()->GetTrace(&again, question, &same).ok());
    CAF_CHECK_EQUAL(same.operation_name(), "operation-1");
  }
  const auto& events = trace.events();
  const auto to_cas = std::find_if(events.begin(), events.end(),
                                   [](const auto& x) { return x.message() == "find_missing"; });
  CAF_REQUIRE(to_cas != events.end());
  CAF_CHECK_EQUAL(to_cas->to(), "cas");
  CAF_CHECK_EQUAL(to_cas->from(), "outside");
  CAF_CHECK_EQUAL(to_cas->outcome(), "handled");
  CAF_CHECK(to_cas->sent_at().seconds() > 1'600'000'000);
}

CAF_TEST(an unknown trace is NOT_FOUND) {
  client_context call;
  admin::v1::GetTraceRequest question;
  question.set_query("no-such-operation");
  admin::v1::Trace trace;
  CAF_CHECK(stub<admin::v1::Admin>()->GetTrace(&call, question, &trace).error_code()
            == grpc::StatusCode::NOT_FOUND);
}

CAF_TEST_FIXTURE_SCOPE_END()
