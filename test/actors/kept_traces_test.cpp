#define CAF_SUITE actors.kept_traces
#include "actors/kept_traces.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

CAF_TEST(traces of what failed are kept and bounded) {
  kept_traces traces({.max_traces = 1, .max_records = 2});
  traces.keep(2, std::vector<trace_record>(5));
  CAF_CHECK_EQUAL(traces.find(2)->size(), 2u);
  traces.keep(3, std::vector<trace_record>(1));
  CAF_CHECK(traces.find(2) == nullptr);
  CAF_REQUIRE(traces.find(3) != nullptr);
  CAF_CHECK_EQUAL(traces.find(3)->size(), 1u);
}
