#define CAF_SUITE services.unpacking_writer
#include "services/unpacking_writer.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

constexpr std::size_t size = 10'000'000;

struct fixture {
  const std::string bytes = std::string(size, 'x');
  const digest id = digest::of(bytes);
  const std::shared_ptr<backend> store = make_memory_backend();
  const std::shared_ptr<memory_budget> memory = std::make_shared<memory_budget>(32 << 20);

  std::unique_ptr<unpacking_writer> make(codec how = codec::zstd) {
    std::shared_ptr<blob_writer> below = *store->begin_write(id);
    return std::make_unique<unpacking_writer>(below, how, id.size_bytes(), memory);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(unpacking_writer_tests, fixture)

CAF_TEST(what becomes much is written step by step) {
  for (const auto how : {codec::zstd, codec::deflate}) {
    const auto packed = *compress(how, bytes);
    const auto sut = make(how);
    CAF_CHECK(sut->append(packed).ok());
    CAF_CHECK(sut->has_more());
    CAF_CHECK(sut->size() >= static_cast<std::int64_t>(unpacking_writer::step_bytes));
    CAF_CHECK(sut->size() < static_cast<std::int64_t>(unpacking_writer::step_bytes) + (1 << 20));
    int steps = 1;
    for (; sut->has_more(); ++steps)
      CAF_REQUIRE(sut->go_on().ok());
    CAF_CHECK_EQUAL(steps, 3);
    CAF_CHECK(sut->commit().ok());
    CAF_CHECK(store->open(id).ok());
    CAF_CHECK(store->remove(id).ok());
  }
}

CAF_TEST(a stream that is not complete can not be committed) {
  const auto packed = *compress(codec::zstd, bytes);
  const auto sut = make();
  CAF_CHECK(sut->append(std::string_view(packed).substr(0, packed.size() - 1)).ok());
  while (sut->has_more())
    CAF_REQUIRE(sut->go_on().ok());
  CAF_CHECK(absl::IsInvalidArgument(sut->commit()));
  CAF_CHECK(!store->open(id).ok());
}

CAF_TEST(memory is taken as it is used and given back) {
  const auto packed = *compress(codec::zstd, bytes);
  {
    const auto sut = make();
    CAF_CHECK(sut->append(std::string_view(packed).substr(0, 10)).ok());
    CAF_CHECK(memory->used() > 0u);
    CAF_CHECK(memory->used() < std::size_t{1} << 20);
  }
  CAF_CHECK_EQUAL(memory->used(), 0u);
}

CAF_TEST(a budget that is used up refuses more and takes less) {
  memory_budget::share first(memory);
  memory_budget::share second(memory);
  CAF_CHECK(first.become(20 << 20).ok());
  CAF_CHECK(absl::IsResourceExhausted(second.become(20 << 20)));
  CAF_CHECK(second.become(1 << 20).ok());
  CAF_CHECK(first.become(0).ok());
  CAF_CHECK(second.become(20 << 20).ok());
  CAF_CHECK_EQUAL(memory->used(), std::size_t{20} << 20);
}

CAF_TEST_FIXTURE_SCOPE_END()
