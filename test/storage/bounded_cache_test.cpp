#define CAF_SUITE storage.bounded_cache
#include "storage/bounded_cache.hpp"

#include <caf/test/unit_test.hpp>

#include <string>

using namespace expbuild;

namespace {

constexpr std::size_t large = 10'000; // beside it, our own bookkeeping is little
using cache = bounded_cache<int, std::string>;

std::string value_of(cache& from, int key) {
  const auto* found = from.find(key);
  return found == nullptr ? "none" : *found;
}

} // namespace

CAF_TEST(a value is found until it is erased or replaced) {
  cache sut(large);
  sut.put(1, "one", 10);
  sut.put(2, "two", 10);
  CAF_CHECK_EQUAL(value_of(sut, 1), "one");
  sut.put(1, "uno", 10);
  CAF_CHECK_EQUAL(value_of(sut, 1), "uno");
  CAF_CHECK_EQUAL(sut.size(), 2u);
  sut.erase(1);
  sut.erase(7);
  CAF_CHECK_EQUAL(value_of(sut, 1), "none");
  CAF_CHECK_EQUAL(value_of(sut, 2), "two");
}

CAF_TEST(what was not used for longest goes first) {
  cache sut(3 * large + large / 2);
  for (const int key : {1, 2, 3})
    sut.put(key, "x", large);
  CAF_CHECK_EQUAL(value_of(sut, 1), "x"); // used: 2 is the oldest now
  sut.put(4, "x", large);
  CAF_CHECK_EQUAL(value_of(sut, 2), "none");
  for (const int key : {1, 3, 4})
    CAF_CHECK_EQUAL(value_of(sut, key), "x");
}

CAF_TEST(no more bytes are kept than were allowed whatever comes) {
  cache sut(3 * large);
  for (int key = 0; key < 1000; ++key) {
    sut.put(key % 50, "x", static_cast<std::size_t>(key * 37 % 9000));
    CAF_CHECK(sut.bytes() <= 3 * large);
  }
  sut.put(1, "far too large", 3 * large);
  CAF_CHECK_EQUAL(value_of(sut, 1), "none");
  for (int key = 0; key < 50; ++key)
    sut.erase(key);
  CAF_CHECK_EQUAL(sut.bytes(), 0u);
}

CAF_TEST(one of size 0 keeps nothing) {
  cache sut(0);
  sut.put(1, "one", 0);
  CAF_CHECK_EQUAL(sut.size(), 0u);
}
