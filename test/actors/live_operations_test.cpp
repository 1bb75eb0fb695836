#define CAF_SUITE actors.live_operations
#include "actors/live_operations.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

const auto action = digest::of("an action");

} // namespace

CAF_TEST(the same action joins what lives and may be joined) {
  live_operations live;
  CAF_CHECK(!live.to_join(action));
  live.begin(action, 1, false);
  CAF_CHECK(!live.to_join(action));
  const auto joinable = live.begin(action, 2, true);
  CAF_CHECK(live.to_join(action) == joinable);
  CAF_CHECK(!live.to_join(digest::of("another")));
  CAF_CHECK(live.remove(joinable).has_value());
  CAF_CHECK(!live.to_join(action));
  CAF_CHECK_EQUAL(live.size(), 1u);
}

CAF_TEST(the end of one that was not joined leaves the one that is) {
  live_operations live;
  const auto joined = live.begin(action, 1, true);
  const auto alone = live.begin(action, 2, false);
  live.remove(alone);
  CAF_CHECK(live.to_join(action) == joined);
}

CAF_TEST(a stream that leaves tells what it listened to and only once) {
  live_operations live;
  const auto execution = live.begin(action, 1, true);
  live.add_listener(execution, 7);
  live.add_listener(execution, 8);
  CAF_CHECK_EQUAL(live.listeners(), 2u);
  CAF_CHECK(live.leave(7) == execution);
  CAF_CHECK(!live.leave(7));
  CAF_CHECK(!live.leave(99));
  CAF_CHECK_EQUAL(live.listeners(), 1u);
  CAF_CHECK_EQUAL(live.at(execution).listeners.size(), 1u);
}

CAF_TEST(with a name its streams are forgotten and with it no others) {
  live_operations live;
  const auto execution = live.begin(action, 1, true);
  live.add_listener(execution, 7, "a");
  live.add_listener(execution, 8, "b");
  live.add_listener(execution, 9, "b");
  live.end_name(execution, "b");
  CAF_CHECK_EQUAL(live.listeners(), 1u);
  CAF_CHECK(!live.leave(8));
  CAF_CHECK(live.leave(7) == execution);
  live.end_name(99, "a");
}

CAF_TEST(with an end its streams and its actor are forgotten) {
  live_operations live;
  const auto execution = live.begin(action, 5, true);
  live.runs_in(execution, 42);
  live.add_name(execution, "a");
  live.add_name(execution, "b");
  live.add_listener(execution, 7);
  CAF_CHECK(live.of_actor(42) == execution);
  const auto ended = live.remove(execution);
  CAF_REQUIRE(ended.has_value());
  CAF_CHECK_EQUAL(ended->names.size(), 2u);
  CAF_CHECK_EQUAL(ended->trace, 5u);
  CAF_CHECK(!live.of_actor(42));
  CAF_CHECK(!live.leave(7));
  CAF_CHECK(live.empty());
  CAF_CHECK(!live.remove(execution).has_value());
}
