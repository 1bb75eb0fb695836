#define CAF_SUITE services.piece_memory
#include "services/piece_memory.hpp"

#include <caf/test/unit_test.hpp>

#include <vector>

using namespace expbuild;

namespace {

constexpr std::size_t budget = std::size_t{64} << 20;
using piece_ptr = std::unique_ptr<piece_memory::piece>;

} // namespace

CAF_TEST(a piece is as large as wanted and never larger than a mebibyte) {
  const auto sut = std::make_shared<piece_memory>(budget);
  CAF_CHECK_EQUAL(sut->make(1)->bytes().size(), 1u);
  CAF_CHECK_EQUAL(sut->make(100'000)->bytes().size(), 100'000u);
  CAF_CHECK_EQUAL(sut->make(budget)->bytes().size(), piece_memory::largest);
}

CAF_TEST(the more is under way the smaller pieces become and there is always one) {
  const auto sut = std::make_shared<piece_memory>(budget);
  std::vector<piece_ptr> held;
  for (int i = 0; i < 5000; ++i)
    held.push_back(sut->make(budget));
  CAF_CHECK_EQUAL(held.back()->bytes().size(), piece_memory::smallest);
  CAF_CHECK(sut->used() < static_cast<std::int64_t>(budget + 5000 * piece_memory::smallest));
  held.clear();
  CAF_CHECK_EQUAL(sut->used(), 0);
  CAF_CHECK_EQUAL(sut->make(budget)->bytes().size(), piece_memory::largest);
}

CAF_TEST(bytes from elsewhere count as long) {
  const auto sut = std::make_shared<piece_memory>(budget);
  {
    const auto slice = sut->send("packed");
    const auto copy = slice;
    CAF_CHECK_EQUAL(std::string(slice.begin(), slice.end()), "packed");
    CAF_CHECK_EQUAL(sut->used(), 6);
  }
  CAF_CHECK_EQUAL(sut->used(), 0);
}

CAF_TEST(a piece counts until its last slice is gone) {
  const auto sut = std::make_shared<piece_memory>(budget);
  auto what = sut->make(1000);
  what->bytes()[2] = 'x';
  {
    const auto slice = piece_memory::piece::send(std::move(what), 3);
    const auto copy = slice;
    CAF_CHECK_EQUAL(slice.size(), 3u);
    CAF_CHECK_EQUAL(slice.begin()[2], 'x');
    CAF_CHECK_EQUAL(sut->used(), 1000);
  }
  CAF_CHECK_EQUAL(sut->used(), 0);
}
