#define CAF_SUITE actors.restart_policy
#include "actors/restart_policy.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace std::chrono_literals;

namespace {

const restart_options three_in_ten_seconds{.first_pause = 1ms,
                                           .longest_pause = 1ms,
                                           .quiet = 60s,
                                           .intensity = 3,
                                           .window = 10s,
                                           .quarantine = 30s};

} // namespace

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
  restart_policy policy(three_in_ten_seconds);
  const auto now = restart_policy::time_point{} + 1h;
  for (int i = 0; i < 3; ++i)
    CAF_CHECK(!policy.after_failure(now + i * 1s, 0.5).quarantined);
  const auto last = policy.after_failure(now + 4s, 0.5);
  CAF_CHECK(last.quarantined);
  CAF_CHECK_EQUAL(last.pause.count(), 30'000);
  CAF_CHECK(!policy.after_failure(now + 60s, 0.5).quarantined);
}

CAF_TEST(failures that are far apart never lead to quarantine) {
  restart_policy policy(three_in_ten_seconds);
  auto now = restart_policy::time_point{} + 1h;
  for (int i = 0; i < 50; ++i)
    CAF_CHECK(!policy.after_failure(now += 5s, 0.5).quarantined);
}
