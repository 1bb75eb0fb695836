#define CAF_SUITE actors.space_keeper
#include "actors/space_keeper.hpp"

#include <caf/test/unit_test.hpp>

#include <string>

using namespace expbuild;

namespace {

/// A store in memory that may hold a hundred blobs; what the pool has done is heard by hand.
struct fixture {
  std::shared_ptr<store_seconds> now = std::make_shared<store_seconds>(1000);
  std::shared_ptr<backend> store = make_memory_backend({.clock = [now = now] { return *now; }});
  std::vector<space_measured> heard;
  space_budget budget{{.max_bytes = 100 * 4096}};
  space_keeper sut{{.store = store,
                    .io = make_inline_io_pool(),
                    .lease = std::chrono::seconds(100),
                    .clock = [now = now] { return *now; },
                    .tell = [this](space_measured x) { heard.push_back(std::move(x)); }},
                   budget};

  void store_blobs(int count) {
    for (int i = 0; i < count; ++i)
      CAF_CHECK(
          write_blob(*store, std::to_string(i) + std::string(4000, '.'), digest_function::sha256)
              .ok());
    budget.measured(store->usage());
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(space_keeper_tests, fixture)

CAF_TEST(a store with room enough is left alone) {
  store_blobs(10);
  *now += 1'000'000;
  sut.look_after();
  CAF_CHECK(heard.empty());
  CAF_CHECK(!sut.is_evicting());
}

CAF_TEST(what nobody is promised any more goes until there is room) {
  store_blobs(99);
  *now += 1'000'000;
  CAF_REQUIRE(budget.excess() > 0);
  sut.look_after();
  CAF_REQUIRE_EQUAL(heard.size(), 1u);
  CAF_CHECK(sut.is_evicting()); // until it is heard
  CAF_CHECK(heard[0].eviction_over);
  CAF_CHECK(heard[0].evicted > 0 && heard[0].evicted < 99);
  CAF_CHECK(heard[0].evicted_bytes >= 4000);
  sut.measured(heard[0]);
  CAF_CHECK(!sut.is_evicting());
  CAF_CHECK_EQUAL(budget.excess(), 0);
}

CAF_TEST(nothing goes that is promised) {
  store_blobs(99);
  std::vector<digest> all;
  for (int i = 0; i < 99; ++i)
    all.push_back(digest::of(std::to_string(i) + std::string(4000, '.')));
  store->index().promise(all, *now, *now + 1'000'000);
  *now += 1000;
  CAF_CHECK(!sut.evict_some());
  CAF_CHECK(!sut.is_evicting());
  CAF_CHECK(heard.empty());
}

CAF_TEST(it is measured once at a time) {
  store_blobs(1);
  sut.measure();
  sut.measure();
  CAF_REQUIRE_EQUAL(heard.size(), 1u);
  CAF_CHECK(!heard[0].eviction_over);
  sut.measured(heard[0]);
  CAF_CHECK(!sut.is_measuring());
  sut.measure();
  CAF_CHECK_EQUAL(heard.size(), 2u);
}

CAF_TEST_FIXTURE_SCOPE_END()
