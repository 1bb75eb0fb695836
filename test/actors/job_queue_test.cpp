#define CAF_SUITE actors.job_queue
#include "actors/job_queue.hpp"
#include "test/support/jobs.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

const platform_properties linux_x86{{"OSFamily", "linux"}, {"Arch", "x86_64"}};

std::uint64_t next(job_queue& queue, const platform_properties& offered = linux_x86) {
  const auto work = queue.pop(offered);
  return work ? (*work)->execution : 0;
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
