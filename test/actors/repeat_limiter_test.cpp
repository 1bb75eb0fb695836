#define CAF_SUITE actors.repeat_limiter
#include "actors/repeat_limiter.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace std::chrono_literals;

namespace {

struct fixture {
  repeat_limiter sut{{.lines = 3, .window = 10s, .kinds = 4}};
  repeat_limiter::time_point now = std::chrono::system_clock::from_time_t(1'764'504'000);

  log_line line(const std::string& message,
                spdlog::level::level_enum level = spdlog::level::warn) const {
    return {.at = now, .level = level, .module = "cas", .message = message};
  }
  /// How many of so many are written.
  int written(int times, const std::string& message,
              spdlog::level::level_enum level = spdlog::level::warn) {
    int count = 0;
    for (int i = 0; i < times; ++i)
      count += sut.admit(line(message, level)) ? 1 : 0;
    return count;
  }
  std::vector<std::string> due() {
    std::vector<std::string> texts;
    for (const auto& x : sut.due(now))
      texts.push_back(x.message);
    return texts;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(repeat_limiter_tests, fixture)

CAF_TEST(the first lines are written and the others are told once when the window is over) {
  CAF_CHECK_EQUAL(written(100, "the disk is full"), 3);
  now += 4s;
  CAF_CHECK_EQUAL(written(12, "the disk is full"), 0);
  CAF_CHECK(due().empty());
  now += 6s;
  const auto told = sut.due(now);
  CAF_REQUIRE_EQUAL(told.size(), 1u);
  CAF_CHECK_EQUAL(told[0].message, "... repeated 109 times in 4 s: the disk is full");
  CAF_CHECK_EQUAL(told[0].module, "cas");
  CAF_CHECK(told[0].level == spdlog::level::warn);
  CAF_CHECK(told[0].at == now);
  now += 1h;
  CAF_CHECK(due().empty());
}

CAF_TEST(a storm that goes on costs two lines a window and one that has ended begins anew) {
  written(5, "the disk is full");
  now += 10s;
  CAF_CHECK_EQUAL(written(5, "the disk is full"), 1);
  CAF_REQUIRE_EQUAL(due().size(), 1u);
  now += 10s;
  CAF_CHECK_EQUAL(due(), std::vector<std::string>{"... repeated 4 times in 1 s: the disk is full"});
  now += 10s;
  CAF_CHECK_EQUAL(written(1, "the disk is full"), 1);
  now += 10s;
  CAF_CHECK_EQUAL(written(5, "the disk is full"), 3);
}

CAF_TEST(figures and hashes do not make another line but names do) {
  const auto same = [this](const std::string& a, const std::string& b) {
    return kind_of(line(a)) == kind_of(line(b));
  };
  CAF_CHECK(same("blob 5e1f0c22ab/17 is lost", "blob 0123abcd99/1234 is lost"));
  CAF_CHECK(
      same("127.0.0.1:4711 is turned away after 3ms", "10.1.12.9:80 is turned away after 1ms"));
  CAF_CHECK(same("operation 0f8fad5b-d9cb-469f-a165-70867728950e died",
                 "operation 7c9e6679-7425-40de-944b-e07fc1f90ae7 died"));
  CAF_CHECK(!same("host-worker-1 died, restart 1", "host-worker-2 died, restart 1"));
  CAF_CHECK(!same("the disk is full", "the disk is slow"));
  auto elsewhere = line("the disk is full");
  elsewhere.module = "server";
  CAF_CHECK(kind_of(elsewhere) != kind_of(line("the disk is full")));
  CAF_CHECK(kind_of(line("the disk is full", spdlog::level::err))
            != kind_of(line("the disk is full")));
}

CAF_TEST(the account of actions and what was turned on for debugging is never left out) {
  auto account = line("action 1/2 ended: exit_code=0", spdlog::level::info);
  account.action = "1/2";
  for (int i = 0; i < 100; ++i)
    CAF_CHECK(sut.admit(account));
  CAF_CHECK_EQUAL(written(100, "FindMissingBlobs ended", spdlog::level::debug), 100);
  CAF_CHECK_EQUAL(written(100, "pulling image x", spdlog::level::info), 3);
  for (int i = 0; i < 100; ++i)
    CAF_CHECK(sut.admit(line("Registered worker: w " + std::to_string(i), spdlog::level::info)));
}

CAF_TEST(the memory is bounded and what must be forgotten is told first) {
  written(7, "a storm");
  for (const auto* other : {"b", "c", "d", "e", "f"}) {
    now += 1s;
    CAF_CHECK_EQUAL(written(1, other), 1);
  }
  CAF_CHECK_EQUAL(due(), std::vector<std::string>{"... repeated 4 times in 1 s: a storm"});
  CAF_CHECK_EQUAL(written(1, "a storm"), 1);
}

CAF_TEST(a clock that is set back loses nothing) {
  written(5, "the disk is full");
  due();
  now -= 1h;
  CAF_CHECK_EQUAL(due().size(), 1u);
  CAF_CHECK_EQUAL(written(1, "the disk is full"), 1);
}

CAF_TEST(at the end the rest is told) {
  written(5, "the disk is full");
  CAF_CHECK_EQUAL(sut.rest(now).size(), 1u);
  CAF_CHECK(sut.rest(now).empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
