#define CAF_SUITE services.waiting_reason
#include "services/problems.hpp"
#include "services/waiting_reason.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

const platform_properties plain{{"OSFamily", "linux"}};
const platform_properties gpu{{"OSFamily", "linux"}, {"gpu", "yes"}};

worker_status worker(const std::string& name, worker_condition condition,
                     const platform_properties& platform = plain) {
  worker_status x;
  x.name = name;
  x.type = "host";
  x.last_failure = "the runner died";
  x.condition = condition;
  x.platform = platform;
  return x;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

CAF_TEST(an action that fits only busy workers waits for them) {
  const std::vector live{worker("w1", worker_condition::busy),
                         worker("w2", worker_condition::busy)};
  const auto why = why_it_waits(plain, live, live);
  CAF_CHECK(says(why.sentence, "2 workers could run it, and all of them are busy"));
  CAF_CHECK(why.next_step.empty());
  CAF_REQUIRE_EQUAL(why.mismatches.size(), 1u);
  CAF_CHECK_EQUAL(why.mismatches[0].workers(), "w1 and 1 more");
}

CAF_TEST(the first property that no worker offers is named with what is offered) {
  const std::vector live{
      worker("w1", worker_condition::idle),
      worker("w2", worker_condition::idle, {{"OSFamily", "linux"}, {"gpu", "no"}, {"gpu", "old"}})};
  const auto why = why_it_waits(gpu, live, live);
  CAF_CHECK(why.is_hopeless);
  CAF_CHECK(says(why.sentence, "gpu=yes"));
  CAF_REQUIRE_EQUAL(why.mismatches.size(), 2u);
  for (const auto& x : why.mismatches) {
    CAF_CHECK_EQUAL(x.property(), "gpu");
    CAF_CHECK_EQUAL(x.wanted(), "yes");
    CAF_CHECK(x.workers() == "w1" ? x.offered().empty() : x.offered() == "no, old");
  }
}

CAF_TEST(drained workers and workers that are down are told apart) {
  const std::vector drained{worker("w1", worker_condition::drained)};
  CAF_CHECK(says(why_it_waits(plain, drained, drained).next_step, "undrain"));
  const auto why = why_it_waits(plain, {}, {worker("w1", worker_condition::backoff)});
  CAF_CHECK_EQUAL(why.sentence, "1 worker could run it, and it is down");
  CAF_CHECK(says(why_it_waits(plain, {}, {}).sentence, "no workers"));
}

CAF_TEST(a worker that is down and would not fit is no hope) {
  const std::vector all{worker("w1", worker_condition::idle),
                        worker("w2", worker_condition::quarantined)};
  const auto why = why_it_waits(gpu, {all.front()}, all);
  CAF_CHECK(why.is_hopeless);
  CAF_CHECK(says(why.sentence, "no worker fits: property gpu=yes is not offered"));
  const std::vector one{worker("w1", worker_condition::idle),
                        worker("w2", worker_condition::backoff, gpu)};
  CAF_CHECK_EQUAL(why_it_waits(gpu, {one.front()}, one).sentence,
                  "1 worker could run it, and it is down");
}

CAF_TEST(what is wrong is told the worst first) {
  house_state house;
  house.slots = {worker("w1", worker_condition::quarantined, gpu),
                 worker("w2", worker_condition::busy)};
  house.scheduling.workers = {worker("w2", worker_condition::drained)};
  auto action = std::make_shared<action_record>();
  auto loaded = std::make_shared<loaded_action>();
  loaded->platform = gpu;
  action->loaded = loaded;
  action->stage = execution_stage::queued;
  house.waiting = {action, action};
  const auto found = problems_of(house, std::chrono::system_clock::now());
  CAF_REQUIRE_EQUAL(found.size(), 3u);
  CAF_CHECK(found[0].severity() == admin::v1::Problem::ERROR);
  CAF_CHECK(says(found[0].what(), "w1 failed too often"));
  CAF_CHECK(says(found[1].what(), "2 actions wait"));
  CAF_CHECK(found[2].severity() == admin::v1::Problem::NOTICE);
}

CAF_TEST(what stalls is a problem and many stalls are not all told) {
  house_state house;
  house.stalls.resize(12, {.what = "action 17 hangs", .next_step = "rectl trace 17"});
  const auto found = problems_of(house, std::chrono::system_clock::now());
  CAF_REQUIRE_EQUAL(found.size(), 11u);
  CAF_CHECK(found[0].severity() == admin::v1::Problem::ERROR);
  CAF_CHECK_EQUAL(found[0].what(), "action 17 hangs");
  CAF_CHECK_EQUAL(found[0].next_step(), "rectl trace 17");
  CAF_CHECK_EQUAL(found[10].what(), "2 more stalls");
}

CAF_TEST(a house in order has no problems) {
  house_state house;
  house.slots = {worker("w1", worker_condition::starting)};
  house.scheduling.workers = {worker("w1", worker_condition::idle)};
  CAF_CHECK(problems_of(house, std::chrono::system_clock::now()).empty());
}
