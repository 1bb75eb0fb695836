#define CAF_SUITE actors.throughput
#include "actors/throughput.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace std::chrono_literals;

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
