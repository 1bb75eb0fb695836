#define CAF_SUITE actors.space_budget
#include "actors/space_budget.hpp"

#include <caf/test/unit_test.hpp>

#include <limits>

using namespace expbuild;

namespace {

constexpr auto unlimited = std::numeric_limits<std::int64_t>::max();

space_budget filled(std::int64_t bytes, std::int64_t free_bytes = unlimited,
                    std::int64_t free_files = unlimited) {
  space_budget x({.max_bytes = 1000, .min_free_bytes = 400, .min_free_files = 40});
  x.measured({bytes, free_bytes, free_files});
  return x;
}

} // namespace

CAF_TEST(what fits below the limit is let in and what does not is not ) {
  auto x = filled(900);
  CAF_CHECK(x.fits({100, 0}));
  CAF_CHECK(!x.fits({101, 0}));
}

CAF_TEST(what is reserved takes room until it is released) {
  auto x = filled(900);
  x.reserve({60, 0});
  CAF_CHECK(!x.fits({41, 0}));
  x.release({60, 0});
  CAF_CHECK(x.fits({100, 0}));
}

CAF_TEST(what was stored since the last look counts until the next) {
  auto x = filled(900);
  x.stored({60, 0});
  CAF_CHECK(!x.fits({41, 0}));
  x.measured({930, unlimited, unlimited});
  CAF_CHECK(x.fits({70, 0}));
}

CAF_TEST(from 95 percent on so much should go that 90 are left) {
  CAF_CHECK_EQUAL(filled(950).excess(), 0);
  CAF_CHECK_EQUAL(filled(951).excess(), 51);
  CAF_CHECK_EQUAL(filled(1500).excess(), 600);
}

CAF_TEST(a disk that others fill makes room too) {
  CAF_CHECK_EQUAL(filled(500, 400).excess(), 0);
  CAF_CHECK_EQUAL(filled(500, 399).excess(), 101);
  CAF_CHECK_EQUAL(filled(50, 0).excess(), 50); // no more than there is
  CAF_CHECK(!filled(500, 100).fits({1, 0}));
}

CAF_TEST(inodes that run out make room too) {
  CAF_CHECK_EQUAL(filled(500, unlimited, 40).excess(), 0);
  CAF_CHECK(filled(500, unlimited, 39).excess() > 0);
  CAF_CHECK(filled(500, unlimited, 12).fits({1, 2}));
  CAF_CHECK(!filled(500, unlimited, 12).fits({1, 3}));
}

CAF_TEST(what is larger than most of the store is hopeless) {
  CAF_CHECK(!filled(0).is_hopeless(750));
  CAF_CHECK(filled(0).is_hopeless(751));
}
