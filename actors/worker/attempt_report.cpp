#include "actors/worker/attempt_report.hpp"

#include "actors/execution_times.hpp"
#include "actors/responses.hpp"

#include "expbuild/execution/v1/resource_usage.pb.h"

#include <algorithm>

namespace expbuild {

namespace {

void set_duration(google::protobuf::Duration& to, std::chrono::nanoseconds time) {
  to.set_seconds(time.count() / 1'000'000'000);
  to.set_nanos(static_cast<std::int32_t>(time.count() % 1'000'000'000));
}

} // namespace

void report_stages(pool_meter& meter, const reapi::ExecutedActionMetadata& x) {
  meter.stage_took(action_stage::queue, between(x.queued_timestamp(), x.worker_start_timestamp()));
  if (x.has_input_fetch_completed_timestamp())
    meter.stage_took(action_stage::fetch,
                     between(x.input_fetch_start_timestamp(), x.input_fetch_completed_timestamp()));
  if (x.has_execution_completed_timestamp())
    meter.stage_took(action_stage::exec,
                     between(x.execution_start_timestamp(), x.execution_completed_timestamp()));
  if (x.has_output_upload_completed_timestamp())
    meter.stage_took(action_stage::upload, between(x.output_upload_start_timestamp(),
                                                   x.output_upload_completed_timestamp()));
}

std::string out_of_memory(const command_ended& ended) {
  auto text = "the command needs more memory than its worker allows (" + ended.memory_limit
              + "): the system has killed it, or a part of it";
  if (ended.memory_peak_bytes > 0)
    text += "; it used up to " + std::to_string(ended.memory_peak_bytes) + " bytes";
  return text;
}

void describe(const command_ended& ended, reapi::ExecutedActionMetadata& to) {
  set_time(*to.mutable_execution_start_timestamp(), ended.started_at);
  set_time(*to.mutable_execution_completed_timestamp(), ended.ended_at);
  set_duration(*to.mutable_virtual_execution_duration(),
               std::max(ended.ended_at - ended.started_at, std::chrono::system_clock::duration{0}));
  execution::v1::ResourceUsage usage;
  set_duration(*usage.mutable_user_time(), ended.user_time);
  set_duration(*usage.mutable_system_time(), ended.system_time);
  usage.set_max_rss_bytes(ended.max_rss_bytes);
  to.add_auxiliary_metadata()->PackFrom(usage);
}

} // namespace expbuild
