#define CAF_SUITE actors.audience
#include "actors/audience.hpp"
#include "test/support/stream_box.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace expbuild::test;

namespace {

operation_state executing() {
  operation_state x;
  x.stage = execution_stage::executing;
  return x;
}

} // namespace

CAF_TEST(every stream hears the state under its own name) {
  audience listeners;
  const auto a = make_stream();
  const auto b = make_stream();
  const auto again = make_stream();
  listeners.add("a", {.stdout_raw = true, .output_files = {}});
  listeners.join("a", 1, operation_sink(a));
  listeners.add("b", {});
  listeners.join("b", 2, operation_sink(b));
  listeners.join("b", 3, operation_sink(again));
  listeners.tell(executing());
  CAF_REQUIRE_EQUAL(a->updates.size(), 1u);
  CAF_CHECK_EQUAL(a->updates[0].name, "a");
  CAF_CHECK(a->updates[0].inlined.stdout_raw);
  CAF_REQUIRE_EQUAL(again->updates.size(), 1u);
  CAF_CHECK_EQUAL(again->updates[0].name, "b");
  CAF_CHECK(!b->updates.at(0).inlined.stdout_raw);
}

CAF_TEST(the end of one name is not the end of another) {
  audience listeners;
  const auto a = make_stream();
  const auto b = make_stream();
  listeners.add("a", {});
  listeners.join("a", 1, operation_sink(a));
  listeners.add("b", {});
  listeners.join("b", 2, operation_sink(b));
  CAF_CHECK(listeners.conclude(listeners.seen_as("a", executing())));
  CAF_CHECK(a->end.has_value());
  CAF_CHECK(!b->end.has_value());
  CAF_CHECK(!listeners.contains("a"));
  CAF_CHECK_EQUAL(listeners.any_name(), "b");
}

CAF_TEST(an unwanted name still hears its end and says so) {
  audience listeners;
  const auto a = make_stream();
  listeners.add("a", {});
  listeners.join("a", 1, operation_sink(a));
  listeners.unwant("a");
  CAF_CHECK(!listeners.conclude(listeners.seen_as("a", executing())));
  CAF_CHECK(a->end.has_value());
  CAF_CHECK(listeners.empty());
}

CAF_TEST(whole beats without a listener are counted from the last one that left) {
  audience listeners;
  listeners.add("a", {});
  listeners.join("a", 1, operation_sink(make_stream()));
  listeners.join("a", 2, operation_sink(make_stream()));
  CAF_CHECK(!listeners.beat());
  listeners.leave(1);
  CAF_CHECK(!listeners.beat());
  listeners.leave(2);
  CAF_CHECK(listeners.beat() == 0u); // it was not a whole one
  CAF_CHECK(listeners.beat() == 1u);
  listeners.join("a", 3, operation_sink(make_stream()));
  CAF_CHECK(!listeners.beat());
  listeners.leave(3);
  CAF_CHECK(listeners.beat() == 0u);
}

CAF_TEST(a stream that hears the end of its name listens no more) {
  audience listeners;
  listeners.add("a", {});
  listeners.join("a", 1, operation_sink(make_stream()));
  listeners.add("b", {});
  listeners.join("b", 2, operation_sink(make_stream()));
  listeners.leave(1);
  CAF_CHECK(!listeners.beat());
  listeners.conclude(listeners.seen_as("b", executing()));
  CAF_CHECK(listeners.beat() == 0u);
  CAF_CHECK(listeners.beat() == 1u);
}
