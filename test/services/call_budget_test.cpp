#define CAF_SUITE services.call_budget
#include "services/call_budget.hpp"

#include <caf/test/unit_test.hpp>

#include <vector>

using namespace expbuild;

namespace {

struct fixture {
  std::shared_ptr<call_budget> sut = std::make_shared<call_budget>(1, 3);
  std::vector<std::string> closed;
  std::vector<call_budget::place> calls;

  fixture() {
    sut->when_flooded([this](const std::string& peer) { closed.push_back(peer); });
  }
  void enter(const std::string& peer) { calls.push_back(sut->enter(peer)); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(call_budget_tests, fixture)

CAF_TEST(who has the most calls loses its connection and not who comes last) {
  for (int i = 0; i < 3; ++i)
    enter("A");
  CAF_CHECK(closed.empty());
  enter("B");
  CAF_CHECK(closed == std::vector<std::string>{"A"});
}

CAF_TEST(calls that are over count no more) {
  enter("A");
  enter("A");
  calls.clear();
  CAF_CHECK_EQUAL(sut->others(), 0u);
  enter("A");
  enter("B");
  enter("B");
  CAF_CHECK(closed.empty());
  enter("C");
  CAF_CHECK(closed == std::vector<std::string>{"B"});
}

CAF_TEST_FIXTURE_SCOPE_END()
