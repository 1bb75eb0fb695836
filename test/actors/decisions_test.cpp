#define CAF_SUITE actors.decisions
#include "actors/action_report.hpp"
#include "actors/execution_times.hpp"
#include "actors/job_queue.hpp"
#include "actors/kept_traces.hpp"
#include "actors/operation_names.hpp"
#include "actors/platform.hpp"
#include "actors/restart_policy.hpp"
#include "actors/retired_operations.hpp"
#include "actors/throughput.hpp"
#include "test/support/actors.hpp"

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

const platform_properties linux_x86{{"OSFamily", "linux"}, {"Arch", "x86_64"}};

std::uint64_t next(job_queue& queue, const platform_properties& offered = linux_x86) {
  const auto work = queue.pop(offered);
  return work ? (*work)->execution : 0;
}

operation_state finished(const std::string& name, std::size_t response_bytes = 0) {
  auto response = std::make_shared<reapi::ExecuteResponse>();
  response->set_message(std::string(response_bytes, 'x'));
  return {.name = name,
          .action = {},
          .stage = execution_stage::completed,
          .metadata = {},
          .response = response};
}

} // namespace

CAF_TEST(a lower priority value runs sooner and equals run in order of arrival) {
  job_queue queue;
  queue.push(make_job(1, 5), 5);
  queue.push(make_job(2, -3), -3);
  queue.push(make_job(3, 5), 5);
  CAF_CHECK_EQUAL(next(queue), 2u);
  CAF_CHECK_EQUAL(next(queue), 1u);
  CAF_CHECK_EQUAL(next(queue), 3u);
  CAF_CHECK_EQUAL(next(queue), 0u);
}

CAF_TEST(a job that lost its worker is first of its priority) {
  job_queue queue;
  queue.push(make_job(1), 0);
  queue.push_front(make_job(2), 0);
  queue.push(make_job(3, -1), -1);
  CAF_CHECK_EQUAL(next(queue), 3u);
  CAF_CHECK_EQUAL(next(queue), 2u);
  CAF_CHECK_EQUAL(next(queue), 1u);
}

CAF_TEST(a worker never gets a job that it does not match) {
  job_queue queue;
  queue.push(make_job(1, -9, {{"Pool", "gpu"}}), -9);
  queue.push(make_job(2), 0);
  CAF_CHECK_EQUAL(next(queue), 2u);
  CAF_CHECK_EQUAL(next(queue), 0u);
  CAF_CHECK_EQUAL(next(queue, {{"Pool", "GPU"}}), 1u);
}

CAF_TEST(who waits longest is known whatever its priority and platform) {
  const auto queued_at = [](std::uint64_t execution, std::int32_t priority, int second,
                            platform_properties platform = {}) {
    auto work = std::make_shared<job>(*make_job(execution, priority, std::move(platform)));
    work->queued_at = std::chrono::system_clock::time_point(std::chrono::seconds(second));
    return work;
  };
  job_queue queue;
  CAF_CHECK(!queue.oldest());
  queue.push(queued_at(1, -9, 50), -9);
  queue.push(queued_at(2, 0, 30), 0);
  queue.push(queued_at(3, 0, 40), 0);
  CAF_CHECK_EQUAL(queue.oldest()->time_since_epoch() / 1s, 30);
  queue.push(queued_at(4, 7, 20, {{"Pool", "gpu"}}), 7);
  CAF_CHECK_EQUAL(queue.oldest()->time_since_epoch() / 1s, 20);
  CAF_CHECK_EQUAL(queue.unserved([](const auto& wanted) { return wanted.empty(); }), 1u);
}

CAF_TEST(a withdrawn job is gone and a raised one overtakes) {
  job_queue queue;
  queue.push(make_job(1), 0);
  queue.push(make_job(2), 0);
  queue.push(make_job(3), 0);
  CAF_CHECK(queue.remove(2) != nullptr);
  CAF_CHECK(queue.remove(2) == nullptr);
  queue.raise(3, -1);
  queue.raise(3, 7); // a raise never lowers
  CAF_CHECK_EQUAL(queue.size(), 2u);
  CAF_CHECK_EQUAL(next(queue), 3u);
  CAF_CHECK_EQUAL(next(queue), 1u);
  CAF_CHECK(queue.empty());
}

CAF_TEST(operating system and architecture compare without case and with aliases) {
  CAF_CHECK(!first_mismatch({{"OSFamily", "Linux"}, {"Arch", "amd64"}}, linux_x86));
  CAF_CHECK_EQUAL(first_mismatch({{"Arch", "arm64"}}, linux_x86).value_or(""), "Arch=arm64");
  CAF_CHECK_EQUAL(first_mismatch({{"color", "red"}}, linux_x86).value_or(""), "color=red");
}

CAF_TEST(every value of a repeated property must be offered) {
  const platform_properties offered{{"ISA", "sse4"}, {"ISA", "avx2"}};
  CAF_CHECK(!first_mismatch({{"ISA", "avx2"}, {"ISA", "sse4"}}, offered));
  CAF_CHECK(first_mismatch({{"ISA", "avx2"}, {"ISA", "avx512"}}, offered).has_value());
}

CAF_TEST(properties that describe needs match every worker) {
  CAF_CHECK(!first_mismatch({{"EstimatedCPU", "2"}, {"label:x", "y"}, {"container-image", "none"}},
                            linux_x86));
  CAF_CHECK(first_mismatch({{"container-image", "docker://debian"}}, linux_x86).has_value());
}

CAF_TEST(an action gets the image that it names where that is offered) {
  const auto debian = docker_platform("debian:12", {"registry/team/*", "alpine"});
  const auto runs = [&debian](const std::string& image) {
    return !first_mismatch({{"container", "docker"}, {"container-image", image}}, debian);
  };
  CAF_CHECK(!first_mismatch({{"container", "docker"}, {"OSFamily", "Linux"}}, debian));
  CAF_CHECK(runs("debian:12"));
  CAF_CHECK(runs("docker://debian:12"));
  CAF_CHECK(runs("docker://registry/team/tool@sha256:abc"));
  CAF_CHECK(runs("alpine"));
  CAF_CHECK(!runs("alpine:3"));
  CAF_CHECK(!runs("debian:11"));
  CAF_CHECK(!runs("registry/other/tool"));
  CAF_CHECK(first_mismatch({{"container", "docker"}}, host_platform()).has_value());
  CAF_CHECK_EQUAL(container_image_of({{"container-image", "docker://debian:12"}}), "debian:12");
  CAF_CHECK_EQUAL(container_image_of({{"container-image", "none"}}), "");
  CAF_CHECK_EQUAL(container_image_of({}), "");
}

CAF_TEST(an empty platform of the action falls back to the one of the command) {
  reapi::Action action;
  reapi::Command command;
  auto& property = *command.mutable_platform()->add_properties();
  property.set_name("Pool");
  property.set_value("a");
  action.mutable_platform();
  CAF_CHECK_EQUAL(platform_of(action, command).count("Pool"), 1u);
  action.mutable_platform()->add_properties()->set_name("OSFamily");
  CAF_CHECK_EQUAL(platform_of(action, command).count("Pool"), 0u);
}

CAF_TEST(pauses between restarts double up to a limit and start anew after a quiet time) {
  restart_policy policy({.first_pause = 100ms,
                         .longest_pause = 1s,
                         .quiet = 60s,
                         .intensity = 100,
                         .window = 3600s,
                         .quarantine = 1s});
  auto now = restart_policy::time_point{} + 1h;
  CAF_CHECK_EQUAL(policy.after_failure(now, 0.99).pause.count(), 99);
  CAF_CHECK_EQUAL(policy.after_failure(now += 1s, 0.99).pause.count(), 198);
  for (int i = 0; i < 10; ++i)
    policy.after_failure(now += 1s, 0.99);
  CAF_CHECK_EQUAL(policy.after_failure(now += 1s, 0.99).pause.count(), 990);
  CAF_CHECK_EQUAL(policy.after_failure(now += 61s, 0.99).pause.count(), 99);
  CAF_CHECK_EQUAL(policy.after_failure(now += 1s, 0.0).pause.count(), 0);
}

CAF_TEST(too many failures in the window mean quarantine) {
  restart_policy policy({.first_pause = 1ms,
                         .longest_pause = 1ms,
                         .quiet = 60s,
                         .intensity = 3,
                         .window = 10s,
                         .quarantine = 30s});
  const auto now = restart_policy::time_point{} + 1h;
  for (int i = 0; i < 3; ++i)
    CAF_CHECK(!policy.after_failure(now + i * 1s, 0.5).quarantined);
  const auto last = policy.after_failure(now + 4s, 0.5);
  CAF_CHECK(last.quarantined);
  CAF_CHECK_EQUAL(last.pause.count(), 30'000);
  CAF_CHECK(!policy.after_failure(now + 60s, 0.5).quarantined);
}

CAF_TEST(failures that are far apart never lead to quarantine) {
  restart_policy policy({.first_pause = 1ms,
                         .longest_pause = 1ms,
                         .quiet = 60s,
                         .intensity = 3,
                         .window = 10s,
                         .quarantine = 30s});
  auto now = restart_policy::time_point{} + 1h;
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(!policy.after_failure(now += 5s, 0.5).quarantined);
}

CAF_TEST(a finished operation can be asked for until its time is over) {
  retired_operations retired({.ttl = 300s, .max_operations = 10, .max_bytes = 1000});
  const auto now = retired_operations::time_point{} + 1h;
  retired.add(finished("a"), now);
  retired.add(finished("b"), now + 10s);
  CAF_CHECK(retired.expire(now + 299s).empty());
  CAF_CHECK(retired.find("a") != nullptr);
  const auto gone = retired.expire(now + 300s);
  CAF_REQUIRE_EQUAL(gone.size(), 1u);
  CAF_CHECK_EQUAL(gone[0], "a");
  CAF_CHECK(retired.find("a") == nullptr);
  CAF_CHECK(retired.find("b") != nullptr);
  CAF_CHECK(retired.next_expiry() == now + 310s);
}

CAF_TEST(past a limit the oldest finished operations go early) {
  retired_operations retired({.ttl = 300s, .max_operations = 2, .max_bytes = 1000});
  const auto now = retired_operations::time_point{} + 1h;
  for (const auto* name : {"a", "b", "c"})
    retired.add(finished(name), now);
  CAF_CHECK_EQUAL(retired.expire(now).size(), 1u);
  retired.add(finished("big", 2000), now);
  retired.expire(now);
  CAF_CHECK(retired.size() <= 1u);
}

CAF_TEST(a deleted operation is gone at once and frees its place) {
  retired_operations retired({.ttl = 300s, .max_operations = 2, .max_bytes = 1000});
  const auto now = retired_operations::time_point{} + 1h;
  retired.add(finished("a"), now);
  retired.add(finished("b"), now + 10s);
  retired.erase("a");
  retired.erase("nobody");
  CAF_CHECK(retired.find("a") == nullptr);
  CAF_CHECK(retired.next_expiry() == now + 310s);
  retired.add(finished("c"), now + 20s);
  CAF_CHECK(retired.expire(now + 20s).empty());
  CAF_CHECK_EQUAL(retired.size(), 2u);
}

CAF_TEST(operation names are listed in the order of their making page by page) {
  operation_names names;
  for (const auto* name : {"c", "a", "b", "d"})
    names.add(name, 1);
  names.retire("a");
  names.retire("nobody");
  CAF_CHECK(names.find("a") == operation_names::retired);
  CAF_CHECK(!names.find("nobody"));
  const auto first = names.list(0, 2, std::nullopt);
  CAF_REQUIRE_EQUAL(first.entries.size(), 2u);
  CAF_CHECK_EQUAL(first.entries[0].name, "c");
  CAF_CHECK_EQUAL(first.entries[1].name, "a");
  names.erase("a"); // what a token stands on may go
  const auto second = names.list(first.next, 2, std::nullopt);
  CAF_REQUIRE_EQUAL(second.entries.size(), 2u);
  CAF_CHECK_EQUAL(second.entries[0].name, "b");
  CAF_CHECK_EQUAL(second.next, 0u);
}

CAF_TEST(operation names are listed by whether they are done within a bound) {
  operation_names names;
  for (int i = 0; i < 100; ++i)
    names.add("x" + std::to_string(i), 1);
  names.retire("x99");
  CAF_CHECK_EQUAL(names.list(0, 100, false).entries.size(), 99u);
  CAF_CHECK_EQUAL(names.list(0, 100, true).entries.size(), 1u);
  const auto bounded = names.list(0, 100, true, 10);
  CAF_CHECK(bounded.entries.empty());
  CAF_CHECK_EQUAL(bounded.next, 10u);
}

CAF_TEST(times of execution are made complete and rising) {
  reapi::ExecutedActionMetadata x;
  x.mutable_worker_start_timestamp()->set_seconds(100);
  x.mutable_execution_start_timestamp()->set_seconds(110);
  x.mutable_execution_completed_timestamp()->set_seconds(105); // the clock was set back
  x.mutable_worker_completed_timestamp()->set_seconds(120);
  complete_times(x, std::chrono::system_clock::now());
  CAF_CHECK_EQUAL(x.queued_timestamp().seconds(), 100);
  CAF_CHECK_EQUAL(x.input_fetch_start_timestamp().seconds(), 100);
  CAF_CHECK_EQUAL(x.execution_completed_timestamp().seconds(), 110);
  CAF_CHECK_EQUAL(x.output_upload_completed_timestamp().seconds(), 110);
  CAF_CHECK_EQUAL(x.worker_completed_timestamp().seconds(), 120);
  reapi::ExecutedActionMetadata nothing;
  complete_times(nothing, std::chrono::system_clock::time_point(7s));
  CAF_CHECK_EQUAL(nothing.queued_timestamp().seconds(), 7);
  CAF_CHECK_EQUAL(nothing.worker_completed_timestamp().seconds(), 7);
}

CAF_TEST(the pace of jobs is that of the last of them) {
  throughput ends;
  auto now = throughput::time_point{} + 1h;
  ends.job_ended(now);
  CAF_CHECK(!ends.per_job(now));
  for (int i = 0; i < 1000; ++i)
    ends.job_ended(now += 100ms);
  const auto pace = *ends.per_job(now);
  CAF_CHECK(pace > 90ms && pace <= 100ms);
  CAF_CHECK(*ends.per_job(now + 1h) > 50s); // nothing ends any more
}

CAF_TEST(the report of an action names who and where and how and never breaks its line) {
  request_metadata asker;
  asker.tool_name = "bazel";
  asker.tool_version = "7.7.1";
  asker.target_id = "//some:target\nINFO fake: line";
  asker.action_mnemonic = "CppCompile";
  asker.invocation_id = "build-1";
  asker.configuration_id = "k8-fastbuild";
  reapi::ExecuteResponse response;
  response.mutable_result()->set_exit_code(3);
  reapi::ExecutedActionMetadata metadata;
  metadata.set_worker("host-worker-1");
  metadata.mutable_execution_start_timestamp()->set_seconds(5);
  metadata.mutable_execution_completed_timestamp()->set_seconds(7);
  const auto action = digest::of("action");
  const auto text = report_of(action, asker, absl::OkStatus(), response, metadata);
  for (const auto& part :
       {action.hash(), std::string("exit_code=3"), std::string("target=//some:target?INFO"),
        std::string("mnemonic=CppCompile"), std::string("worker=host-worker-1"),
        std::string("ran=2000ms"), std::string("tool=bazel/7.7.1"),
        std::string("invocation=build-1"), std::string("configuration=k8-fastbuild")})
    CAF_CHECK(text.find(part) != std::string::npos);
  CAF_CHECK(text.find('\n') == std::string::npos);
  const auto failed =
      report_of(action, {}, absl::UnavailableError("lost its worker"), {}, metadata);
  CAF_CHECK(failed.find("UNAVAILABLE") != std::string::npos);
  CAF_CHECK(failed.find("lost its worker") != std::string::npos);
}

CAF_TEST(traces of what failed are kept and bounded) {
  kept_traces traces({.max_traces = 1, .max_records = 2});
  traces.keep(2, std::vector<trace_record>(5));
  CAF_CHECK_EQUAL(traces.find(2)->size(), 2u);
  traces.keep(3, std::vector<trace_record>(1));
  CAF_CHECK(traces.find(2) == nullptr);
  CAF_REQUIRE(traces.find(3) != nullptr);
  CAF_CHECK_EQUAL(traces.find(3)->size(), 1u);
}
