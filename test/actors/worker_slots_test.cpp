#define CAF_SUITE actors.worker_slots
#include "actors/worker_slots.hpp"
#include "test/support/jobs.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

const worker_slots::time_point noon{std::chrono::hours(12)};

worker_slots::slot slot_of(const std::string& name, platform_properties platform = {},
                           const std::string& type = "host") {
  worker_slots::slot x;
  x.status.name = name;
  x.status.type = type;
  x.status.platform = std::move(platform);
  return x;
}

/// With workers 1 to `count`, "w1" and so on, which have offered themselves.
worker_slots idle_slots(std::uint64_t count) {
  worker_slots slots;
  for (std::uint64_t i = 1; i <= count; ++i) {
    slots.add(i, slot_of("w" + std::to_string(i)));
    slots.offers(i, noon);
  }
  return slots;
}

} // namespace

CAF_TEST(a worker gets nothing before it offers itself and nothing while it runs something) {
  worker_slots slots;
  slots.add(7, slot_of("w7"));
  CAF_CHECK(!slots.find_free({}));
  slots.offers(7, noon);
  CAF_CHECK(slots.find_free({}) == 7u);
  slots.starts(7, *make_job(1), noon + 1s);
  CAF_CHECK(!slots.find_free({}));
  slots.ended(7);
  CAF_CHECK(!slots.find_free({}));
  slots.offers(7, noon + 2s);
  CAF_CHECK(slots.is_free(7));
}

CAF_TEST(the free worker that is here the longest and offers what is wanted is found) {
  auto slots = idle_slots(2);
  slots.add(3, slot_of("w3", {{"Pool", "gpu"}}));
  slots.offers(3, noon);
  CAF_CHECK(slots.find_free({}) == 1u);
  CAF_CHECK(slots.find_free({{"Pool", "gpu"}}) == 3u);
  CAF_CHECK(!slots.find_free({{"Pool", "arm"}}));
}

CAF_TEST(a drained worker gets and offers nothing under its name until it is undrained) {
  worker_slots slots;
  slots.add(1, slot_of("gpu-1", {{"Pool", "gpu"}}));
  slots.offers(1, noon);
  CAF_CHECK(slots.set_drained({"gpu-*", "nobody"}, true) == std::vector<std::uint64_t>{1});
  CAF_CHECK(!slots.is_free(1));
  CAF_CHECK(!slots.find_free({}));
  CAF_CHECK(!slots.is_offered({{"Pool", "gpu"}}));
  CAF_CHECK(slots.remove(1).has_value());
  slots.add(2, slot_of("gpu-1", {{"Pool", "gpu"}})); // restarted
  slots.offers(2, noon);
  CAF_CHECK(!slots.is_free(2));
  slots.set_drained({"gpu-1"}, false);
  CAF_CHECK(slots.is_free(2));
  CAF_CHECK(slots.is_offered({{"Pool", "gpu"}}));
}

CAF_TEST(what a busy worker offers is on offer and what a lost one offered is not ) {
  worker_slots slots;
  slots.add(1, slot_of("w1", {{"Pool", "gpu"}}));
  slots.offers(1, noon);
  slots.starts(1, *make_job(5), noon);
  CAF_CHECK(slots.is_offered({{"Pool", "gpu"}}));
  const auto lost = slots.remove(1);
  CAF_REQUIRE(lost.has_value());
  CAF_CHECK_EQUAL(lost->execution, 5u);
  CAF_CHECK_EQUAL(lost->status.name, "w1");
  CAF_CHECK(!slots.is_offered({{"Pool", "gpu"}}));
  CAF_CHECK(!slots.remove(1).has_value());
}

CAF_TEST(a status tells condition and action and since when) {
  auto slots = idle_slots(1);
  CAF_CHECK(slots.statuses().at(0).condition == worker_condition::idle);
  const auto work = make_job(5);
  slots.starts(1, *work, noon + 1min);
  const auto busy = slots.statuses().at(0);
  CAF_CHECK(busy.condition == worker_condition::busy);
  CAF_CHECK_EQUAL(busy.action, work->action->id.hash());
  CAF_CHECK(busy.since == noon + 1min);
  slots.set_drained({"w1"}, true);
  CAF_CHECK(slots.statuses().at(0).condition == worker_condition::draining);
  slots.ended(1);
  slots.offers(1, noon + 2min);
  const auto drained = slots.statuses().at(0);
  CAF_CHECK(drained.condition == worker_condition::drained);
  CAF_CHECK_EQUAL(drained.action, "");
}

CAF_TEST(conditions are counted by type and a type that was ever here stays) {
  auto slots = idle_slots(2);
  slots.add(3, slot_of("d1", {}, "docker"));
  slots.offers(3, noon);
  slots.starts(1, *make_job(1), noon);
  auto counts = slots.count();
  CAF_CHECK_EQUAL(counts["host"][worker_condition::idle], 1u);
  CAF_CHECK_EQUAL(counts["host"][worker_condition::busy], 1u);
  CAF_CHECK_EQUAL(counts["docker"][worker_condition::idle], 1u);
  CAF_CHECK_EQUAL(slots.idle(), 2u);
  slots.remove(3);
  counts = slots.count();
  CAF_REQUIRE_EQUAL(counts.size(), 2u);
  CAF_CHECK_EQUAL(counts["docker"].size(), 4u);
  CAF_CHECK_EQUAL(counts["docker"][worker_condition::idle], 0u);
}

CAF_TEST(what is said of a worker that is not here changes nothing) {
  auto slots = idle_slots(1);
  slots.offers(9, noon);
  slots.starts(9, *make_job(1), noon);
  slots.ended(9);
  slots.leaves(9);
  CAF_CHECK_EQUAL(slots.size(), 1u);
  CAF_CHECK(!slots.is_free(9));
  slots.leaves(1);
  CAF_CHECK(!slots.is_free(1));
}
