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

  pool_meter& pool() { return meters.pool("host"); }

  static std::string of_host(const std::string& name, const std::string& label,
                             const std::string& is, const std::string& value) {
    return name + "{pool=\"host\"," + label + "=\"" + is + "\"} " + value;
  }

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
  pool();
  for (const auto* state :
       {"starting", "idle", "busy", "draining", "drained", "backoff", "quarantined"})
    CAF_CHECK(shows(of_host("expbuild_workers", "state", state, "0")));
  for (const auto* stage : {"queue", "fetch", "exec", "upload"})
    CAF_CHECK(shows(of_host("expbuild_action_stage_seconds_count", "stage", stage, "0")));
  for (const auto* reason : {"crash", "dependency", "operator"})
    CAF_CHECK(shows("expbuild_worker_restarts_total{pool=\"host\",reason=\"" + std::string(reason)
                    + "\"} 0"));
  for (const auto* outcome : {"cache_hit", "merged", "queued", "rejected"})
    CAF_CHECK(shows("expbuild_execute_requests_total{outcome=\"" + std::string(outcome) + "\"} 0"));
  for (const auto* route : {"cache", "api", "ui", "metrics", "status", "health", "other"})
    CAF_CHECK(
        shows("expbuild_http_requests_total{code=\"5xx\",route=\"" + std::string(route) + "\"} 0"));
  CAF_CHECK(shows("expbuild_cas_blob_size_bytes_count 0"));
  CAF_CHECK(shows("expbuild_queue_actions 0"));
  CAF_CHECK(shows("expbuild_cas_bytes_total{dir=\"in\"} 0"));
}

CAF_TEST(each verb moves its series) {
  meters.action_ended(action_outcome::nonzero);
  meters.action_retried();
  pool().stage_took(action_stage::exec, std::chrono::seconds(2));
  meters.queue_length(3);
  pool().workers(worker_condition::busy, 4);
  pool().worker_restarted(restart_reason::by_operator);
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
  CAF_CHECK(shows(of_host("expbuild_action_stage_seconds_sum", "stage", "exec", "2")));
  CAF_CHECK(shows("expbuild_queue_actions 3"));
  CAF_CHECK(shows(of_host("expbuild_workers", "state", "busy", "4")));
  CAF_CHECK(shows(of_host("expbuild_worker_restarts_total", "reason", "operator", "1")));
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

CAF_TEST(each verb of what waits and of what runs moves its series) {
  meters.execute_requested(execute_outcome::merged);
  meters.execute_waiters(6);
  meters.action_refused(queue_refusal::no_worker);
  meters.unschedulable(2);
  pool().worker_quarantined();
  pool().waited(std::chrono::seconds(3));
  pool().peak_memory(5 << 20);
  pool().outputs(700);
  CAF_CHECK(shows("expbuild_execute_requests_total{outcome=\"merged\"} 1"));
  CAF_CHECK(shows("expbuild_execute_waiters 6"));
  CAF_CHECK(shows("expbuild_queue_rejected_total{reason=\"no_worker\"} 1"));
  CAF_CHECK(shows("expbuild_unschedulable_actions 2"));
  CAF_CHECK(shows("expbuild_worker_quarantines_total{pool=\"host\"} 1"));
  CAF_CHECK(shows("expbuild_queue_wait_seconds_sum{pool=\"host\"} 3"));
  CAF_CHECK(shows(of_host("expbuild_action_peak_memory_bytes_bucket", "le", "4194304", "0")));
  CAF_CHECK(shows(of_host("expbuild_action_peak_memory_bytes_bucket", "le", "16777216", "1")));
  CAF_CHECK(shows("expbuild_action_output_bytes_sum{pool=\"host\"} 700"));
}

CAF_TEST(each verb of the stores and of the doors moves its series) {
  meters.results_removed(3);
  meters.blobs_evicted(2, 500, std::chrono::seconds(90));
  meters.open_writes(4);
  meters.disk(store_kind::action_cache, 1000, 200);
  meters.calls_under_way(5, 6);
  meters.held_for_clients(7, 8);
  meters.http_answered(http_route::api, 404);
  meters.http_took(http_route::ui, std::chrono::milliseconds(500));
  CAF_CHECK(shows("expbuild_ac_removed_total 3"));
  CAF_CHECK(shows("expbuild_cas_evicted_bytes_total 500"));
  CAF_CHECK(shows("expbuild_cas_last_eviction_age_seconds 90"));
  CAF_CHECK(shows("expbuild_cas_open_writes 4"));
  CAF_CHECK(shows("expbuild_disk_total_bytes{store=\"action_cache\"} 1000"));
  CAF_CHECK(shows("expbuild_disk_free_bytes{store=\"action_cache\"} 200"));
  CAF_CHECK(shows("expbuild_grpc_calls{kind=\"stream\"} 5"));
  CAF_CHECK(shows("expbuild_client_memory_bytes{what=\"buffers\"} 8"));
  CAF_CHECK(shows("expbuild_http_requests_total{code=\"4xx\",route=\"api\"} 1"));
  CAF_CHECK(shows("expbuild_http_request_seconds_sum{route=\"ui\"} 0.5"));
}

CAF_TEST(what is alive and has not reported for work is starting) {
  pool().alive(5);
  pool().workers(worker_condition::idle, 2);
  pool().workers(worker_condition::drained, 1);
  CAF_CHECK(shows(of_host("expbuild_workers", "state", "starting", "2")));
  pool().alive(2); // the supervisor heard first that one is gone
  CAF_CHECK(shows(of_host("expbuild_workers", "state", "starting", "0")));
}

CAF_TEST(an age goes on while nothing is told) {
  meters.oldest_waits_since(std::chrono::system_clock::now() - std::chrono::hours(1));
  const auto text = meters.expose();
  const std::string name = "\nexpbuild_queue_oldest_age_seconds ";
  const auto age = std::stod(text.substr(text.find(name) + name.size()));
  CAF_CHECK(age >= 3600 && age < 4200);
  meters.oldest_waits_since(std::nullopt);
  CAF_CHECK(shows("expbuild_queue_oldest_age_seconds 0"));
}

CAF_TEST(a size is counted in the first bucket that it fits into) {
  const auto within = [this](const char* bound, int count) {
    CAF_CHECK(shows("expbuild_cas_blob_size_bytes_bucket{le=\"" + std::string(bound) + "\"} "
                    + std::to_string(count)));
  };
  for (const std::int64_t size :
       {std::int64_t{0}, std::int64_t{1024}, std::int64_t{1025}, std::int64_t{4096},
        std::int64_t{4097}, std::int64_t{1} << 32, (std::int64_t{1} << 32) + 1})
    meters.blob_stored(size);
  within("1024", 2);
  within("4096", 4);
  within("16384", 5);
  within("1073741824", 5);
  within("4294967296", 6);
  within("+Inf", 7);
  CAF_CHECK(shows("expbuild_cas_blob_size_bytes_count 7"));
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
