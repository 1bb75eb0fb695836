#define CAF_SUITE services.work_turns
#include "services/work_turns.hpp"

#include <caf/test/unit_test.hpp>

#include <vector>

using namespace expbuild;

namespace {

struct fixture {
  std::shared_ptr<work_turns> turns = std::make_shared<work_turns>(2, 3);
  std::vector<int> begun;
  std::vector<work_turns::turn> held;

  /// One by one: when a turn goes, the next one comes to those that are held.
  ~fixture() {
    while (!held.empty()) {
      const auto gone = std::move(held.back());
      held.pop_back();
    }
  }

  bool take(int who) {
    return turns->take([this, who](work_turns::turn x) {
      begun.push_back(who);
      held.push_back(std::move(x));
    });
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(work_turns_tests, fixture)

CAF_TEST(some begin at once and the next when one of them ends) {
  for (int who = 1; who <= 4; ++who)
    CAF_CHECK(take(who));
  CAF_CHECK_EQUAL(begun, (std::vector{1, 2}));
  held[0].reset();
  CAF_CHECK_EQUAL(begun, (std::vector{1, 2, 3}));
  held[2].reset();
  CAF_CHECK_EQUAL(begun, (std::vector{1, 2, 3, 4}));
}

CAF_TEST(a line that is full refuses) {
  for (int who = 1; who <= 5; ++who)
    CAF_CHECK(take(who));
  CAF_CHECK(!take(6));
  held[0].reset();
  CAF_CHECK(take(7));
}

CAF_TEST(a turn that several hold ends with the last of them) {
  CAF_CHECK(take(1) && take(2) && take(3));
  auto copy = held[0];
  held[0].reset();
  CAF_CHECK_EQUAL(begun.size(), 2u);
  copy.reset();
  CAF_CHECK_EQUAL(begun.size(), 3u);
}

CAF_TEST(turns that end at once let a long line pass one after the other) {
  turns = std::make_shared<work_turns>(1, 1'000'000);
  CAF_CHECK(take(0));
  int passed = 0;
  for (int i = 0; i < 1'000'000; ++i)
    turns->take([&](const work_turns::turn&) { ++passed; });
  CAF_CHECK_EQUAL(passed, 0);
  held.clear();
  CAF_CHECK_EQUAL(passed, 1'000'000);
  CAF_CHECK_EQUAL(turns->active(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
