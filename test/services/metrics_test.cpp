#define CAF_SUITE actors.metrics
#include "actors/messages.hpp"
#include "actors/metrics.hpp"

#include <caf/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace expbuild;

namespace {

struct fixture {
  metrics meters{"9.9"};

  bool shows(const std::string& line) {
    return ("\n" + meters.expose()).find("\n" + line + "\n") != std::string::npos;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(metrics_tests, fixture)

CAF_TEST(every series with a fixed label is there from the start) {
  CAF_CHECK(shows("expbuild_build_info{version=\"9.9\"} 1"));
  for (const auto* result :
       {"success", "nonzero", "timeout", "cancelled", "infra_error", "cache_hit", "rejected"})
    CAF_CHECK(shows("expbuild_actions_total{result=\"" + std::string(result) + "\"} 0"));
  for (const auto* state : {"starting", "idle", "busy", "draining", "backoff", "quarantined"})
    CAF_CHECK(shows("expbuild_workers{state=\"" + std::string(state) + "\"} 0"));
  for (const auto* stage : {"queue", "fetch", "exec", "upload"})
    CAF_CHECK(shows("expbuild_action_stage_seconds_count{stage=\"" + std::string(stage) + "\"} 0"));
  CAF_CHECK(shows("expbuild_queue_actions 0"));
  CAF_CHECK(shows("expbuild_cas_bytes_total{dir=\"in\"} 0"));
}

CAF_TEST(each verb moves its series) {
  meters.action_ended(action_outcome::nonzero);
  meters.action_retried();
  meters.stage_took(action_stage::exec, std::chrono::seconds(2));
  meters.queue_length(3);
  meters.workers(worker_condition::busy, 4);
  meters.worker_restarted();
  meters.result_looked_up(result_lookup::incomplete);
  meters.result_written();
  meters.blobs(5, 600);
  meters.blob_found_or_missing(7, 8);
  meters.blob_read(false);
  meters.blob_written(true);
  meters.bytes_in(9);
  meters.bytes_out(10);
  CAF_CHECK(shows("expbuild_actions_total{result=\"nonzero\"} 1"));
  CAF_CHECK(shows("expbuild_action_retries_total 1"));
  CAF_CHECK(shows("expbuild_action_stage_seconds_sum{stage=\"exec\"} 2"));
  CAF_CHECK(shows("expbuild_queue_actions 3"));
  CAF_CHECK(shows("expbuild_workers{state=\"busy\"} 4"));
  CAF_CHECK(shows("expbuild_worker_restarts_total 1"));
  CAF_CHECK(shows("expbuild_ac_lookups_total{result=\"incomplete\"} 1"));
  CAF_CHECK(shows("expbuild_ac_writes_total 1"));
  CAF_CHECK(shows("expbuild_cas_blobs 5"));
  CAF_CHECK(shows("expbuild_cas_size_bytes 600"));
  CAF_CHECK(shows("expbuild_cas_requests_total{op=\"find\",result=\"hit\"} 7"));
  CAF_CHECK(shows("expbuild_cas_requests_total{op=\"find\",result=\"miss\"} 8"));
  CAF_CHECK(shows("expbuild_cas_requests_total{op=\"read\",result=\"miss\"} 1"));
  CAF_CHECK(shows("expbuild_cas_requests_total{op=\"write\",result=\"ok\"} 1"));
  CAF_CHECK(shows("expbuild_cas_bytes_total{dir=\"in\"} 9"));
  CAF_CHECK(shows("expbuild_cas_bytes_total{dir=\"out\"} 10"));
  CAF_CHECK_EQUAL(meters.actions(action_outcome::nonzero), 1u);
}

CAF_TEST(a method is counted by its status code) {
  auto& meter = meters.rpc("pkg.Service", "Method");
  meter.started();
  meter.handled(5, std::chrono::milliseconds(20));
  CAF_CHECK_EQUAL(&meter, &meters.rpc("pkg.Service", "Method"));
  const std::string method = "grpc_method=\"Method\",grpc_service=\"pkg.Service\"";
  CAF_CHECK(shows("grpc_server_started_total{" + method + "} 1"));
  const std::string handled = "grpc_server_handled_total{grpc_code=\"";
  CAF_CHECK(shows(handled + "NotFound\"," + method + "} 1"));
  CAF_CHECK(shows(handled + "OK\"," + method + "} 0"));
  CAF_CHECK(shows("grpc_server_handling_seconds_count{" + method + "} 1"));
}

CAF_TEST(a code that gRPC does not know counts as unknown) {
  meters.rpc("s", "m").handled(4711, {});
  CAF_CHECK(shows("grpc_server_handled_total{grpc_code=\"Unknown\",grpc_method=\"m\","
                  "grpc_service=\"s\"} 1"));
}

CAF_TEST(counts of several threads add up) {
  auto& meter = meters.rpc("s", "m");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        meter.started();
        meter.handled(n % 17, std::chrono::microseconds(n));
        meters.action_ended(action_outcome::success);
      }
    });
  for (auto& each : threads)
    each.join();
  CAF_CHECK_EQUAL(meters.actions(action_outcome::success), 4000u);
  CAF_CHECK(shows("grpc_server_started_total{grpc_method=\"m\",grpc_service=\"s\"} 4000"));
}

CAF_TEST(the process is described) {
  const auto text = meters.expose();
  for (const auto* name : {"process_start_time_seconds ", "process_open_fds ", "process_max_fds ",
                           "process_resident_memory_bytes ", "expbuild_trace_events_total "})
    CAF_CHECK(text.find("\n" + std::string(name)) != std::string::npos);
}

CAF_TEST(promtool finds nothing to complain about where it is installed) {
  if (std::system("command -v promtool > /dev/null 2>&1") != 0)
    return;
  meters.rpc("pkg.Service", "Method").handled(0, std::chrono::milliseconds(3));
  auto* tool = ::popen("promtool check metrics", "w");
  CAF_REQUIRE(tool != nullptr);
  const auto text = meters.expose();
  CAF_CHECK_EQUAL(std::fwrite(text.data(), 1, text.size(), tool), text.size());
  CAF_CHECK_EQUAL(::pclose(tool), 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
