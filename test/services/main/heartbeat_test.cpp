#define CAF_SUITE services.heartbeat
#include "services/main/heartbeat.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

/// Parts that answer when the test says so.
struct fixture {
  std::vector<std::pair<std::string, std::function<void()>>> asked;
  int beats = 0;
  std::vector<std::string> complaints;
  std::vector<std::string> relief;
  heartbeat heart{
      {part("cas"), part("scheduler")},
      [this] { ++beats; },
      [this](const std::string& what, bool over) { (over ? relief : complaints).push_back(what); }};

  vital_part part(const std::string& name) {
    return {name, [this, name](std::function<void()> answered) {
              asked.emplace_back(name, std::move(answered));
            }};
  }
  void answer(const std::string& name) {
    for (const auto& [who, answered] : asked)
      if (who == name)
        answered();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(heartbeat_tests, fixture)

CAF_TEST(the heart beats once a round when all have answered) {
  heart.next();
  CAF_CHECK_EQUAL(asked.size(), 2u);
  answer("cas");
  CAF_CHECK_EQUAL(beats, 0);
  answer("scheduler");
  CAF_CHECK_EQUAL(beats, 1);
  asked.clear();
  heart.next();
  CAF_CHECK_EQUAL(asked.size(), 2u);
  answer("scheduler");
  answer("cas");
  CAF_CHECK_EQUAL(beats, 2);
  CAF_CHECK(complaints.empty());
}

CAF_TEST(nobody answers for another) {
  heart.next();
  answer("cas");
  answer("cas");
  CAF_CHECK_EQUAL(beats, 0);
}

CAF_TEST(who has not answered in time is named once and nobody is asked again meanwhile) {
  heart.next();
  answer("cas");
  heart.next();
  heart.next();
  CAF_CHECK_EQUAL(asked.size(), 2u);
  CAF_CHECK_EQUAL(beats, 0);
  CAF_REQUIRE_EQUAL(complaints.size(), 1u);
  CAF_CHECK_EQUAL(complaints[0], "no answer from scheduler");
}

CAF_TEST(an answer that comes late is a beat all the same and the next round begins anew) {
  heart.next();
  heart.next();
  CAF_REQUIRE_EQUAL(complaints.size(), 1u);
  CAF_CHECK_EQUAL(complaints[0], "no answer from cas, scheduler");
  answer("cas");
  answer("scheduler");
  CAF_CHECK_EQUAL(beats, 1);
  CAF_CHECK_EQUAL(relief.size(), 1u);
  heart.next();
  CAF_CHECK_EQUAL(asked.size(), 4u);
  heart.next();
  CAF_CHECK_EQUAL(complaints.size(), 2u);
}

CAF_TEST(an answer of an earlier round is none of this one) {
  heart.next();
  answer("cas");
  answer("scheduler");
  const auto before = asked;
  heart.next();
  for (const auto& [who, answered] : before)
    answered();
  CAF_CHECK_EQUAL(beats, 1);
}

CAF_TEST(answers may come when the heart is gone) {
  std::function<void()> late;
  {
    heartbeat gone(
        {{"cas", [&late](std::function<void()> answered) { late = std::move(answered); }}},
        [this] { ++beats; }, [](const std::string&, bool) {});
    gone.next();
  }
  late();
  CAF_CHECK_EQUAL(beats, 1);
}

CAF_TEST_FIXTURE_SCOPE_END()
