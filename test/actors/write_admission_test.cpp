#define CAF_SUITE actors.write_admission
#include "actors/write_admission.hpp"

#include <caf/test/unit_test.hpp>

#include <limits>

using namespace expbuild;

namespace {

write_wish wish(std::int64_t bytes, std::uint64_t count = 1) {
  return {.wanted = {true}, .count = count, .needed = {.bytes = bytes, .files = 1}};
}

/// A store of 1000 bytes.
struct fixture {
  space_budget budget{{.max_bytes = 1000}};
  write_admission sut{{.max_open_writes = 3, .max_waiting = 1}, budget};

  fixture() { fill(0); }
  void fill(std::int64_t bytes) {
    constexpr auto unlimited = std::numeric_limits<std::int64_t>::max();
    budget.measured({bytes, unlimited, unlimited});
  }
  bool is_allowed(const write_wish& x) {
    const auto answer = sut.ask(x, true);
    return answer.ok() && *answer;
  }
  bool waits(const write_wish& x) {
    const auto answer = sut.ask(x, true);
    return answer.ok() && !*answer;
  }
  bool refusal_says(const write_wish& x, const std::string& text, bool index_complete = true) {
    const auto answer = sut.ask(x, index_complete);
    return !answer.ok() && std::string(answer.status().message()).find(text) != std::string::npos;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(write_admission_tests, fixture)

CAF_TEST(what is let in takes room until it has ended) {
  CAF_CHECK(is_allowed(wish(600)));
  sut.begun(wish(600));
  CAF_CHECK(waits(wish(600)));
  sut.ended(1, {.bytes = 600, .files = 1});
  CAF_CHECK(is_allowed(wish(600)));
  CAF_CHECK_EQUAL(sut.open_writes(), 0u);
}

CAF_TEST(beyond the limit of writers nothing more may be written) {
  sut.begun(wish(1, 2));
  CAF_CHECK(is_allowed(wish(1)));
  CAF_CHECK(refusal_says(wish(1, 2), "already receiving 2 blobs"));
  CAF_CHECK(absl::IsResourceExhausted(sut.ask(wish(1, 2), true).status()));
}

CAF_TEST(what is there already is let in although others wait for room) {
  fill(1000);
  sut.queue().push_back({});
  CAF_CHECK(is_allowed(wish(0, 0)));
}

CAF_TEST(nobody overtakes those who wait) {
  fill(500);
  sut.queue().push_back({});
  CAF_CHECK(!is_allowed(wish(1)));
  CAF_CHECK(sut.is_ready(wish(1)));
  CAF_CHECK(!sut.is_ready(wish(501)));
}

CAF_TEST(who may not even wait is told why) {
  fill(1000);
  CAF_CHECK(waits(wish(1)));
  CAF_CHECK(refusal_says(wish(900), "too large for a store of 1000 bytes"));
  CAF_CHECK(refusal_says(wish(1), "still finding out what it holds", false));
  CAF_CHECK(absl::IsUnavailable(sut.ask(wish(1), false).status()));
  sut.queue().push_back({});
  CAF_CHECK(refusal_says(wish(1), "too many writes wait for room"));
}

CAF_TEST(who fills the disk is told from what was promised) {
  fill(950);
  const auto ours = std::string(sut.full_of_promises(10, 940).message());
  CAF_CHECK(ours.find("940 of 1000 bytes") != std::string::npos);
  fill(100);
  const auto others = std::string(sut.full_of_promises(10, 90).message());
  CAF_CHECK(others.find("make room on that disk") != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
