#define CAF_SUITE actors.execution_times
#include "actors/execution_times.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace std::chrono_literals;

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
