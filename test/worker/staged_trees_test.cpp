#define CAF_SUITE worker.staged_trees
#include "actors/worker/staged_trees.hpp"
#include "test/support/folder.hpp"

#include <caf/test/dsl.hpp>

#include <atomic>
#include <barrier>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture {
  temporary_folder folder;
  std::shared_ptr<io_pool> io = make_inline_io_pool();
  std::shared_ptr<staged_trees> sut;
  std::atomic<int> built = 0;

  fixture() { open(4, 100); }

  void open(std::size_t min_entries, std::size_t max_entries) {
    auto opened = staged_trees::open({folder.path() / "trees", min_entries, max_entries}, io);
    CAF_REQUIRE(opened.ok());
    sut = *std::move(opened);
  }

  staged_trees::outcome get(const std::string& key, std::size_t entries = 10,
                            absl::Status status = absl::OkStatus()) {
    return sut->get(key, {[=] { return absl::StatusOr<std::size_t>(entries); },
                          [=, this](int to) {
                            ++built;
                            ::mkdirat(to, "inside", 0755);
                            return status;
                          }});
  }

  std::size_t on_disk() const {
    const std::filesystem::directory_iterator all(folder.path() / "trees");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(staged_trees_tests, fixture)

CAF_TEST(a tree is built once and found again) {
  const auto first = get("a");
  const auto second = get("a");
  CAF_REQUIRE(first.ok() && *first && second.ok());
  CAF_CHECK_EQUAL((*first)->path(), (*second)->path());
  CAF_CHECK(std::filesystem::is_directory((*first)->path() / "inside"));
  CAF_CHECK_EQUAL(built, 1);
  CAF_CHECK_EQUAL(sut->entries(), 10u);
}

CAF_TEST(other keys are other trees) {
  CAF_CHECK((*get("a"))->path() != (*get("b"))->path());
  CAF_CHECK_EQUAL(built, 2);
}

CAF_TEST(an input root of few entries gets no tree) {
  const auto small = get("small", 3);
  CAF_REQUIRE(small.ok());
  CAF_CHECK(*small == nullptr);
  CAF_CHECK_EQUAL(built, 0);
  CAF_CHECK_EQUAL(on_disk(), 0u);
}

CAF_TEST(many who ask at the same time wait for one that builds) {
  constexpr int askers = 8;
  std::barrier all_ask(askers);
  std::atomic<int> got = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < askers; ++i)
    threads.emplace_back([&] {
      all_ask.arrive_and_wait();
      const auto tree = get("shared");
      got += tree.ok() && *tree && std::filesystem::is_directory((*tree)->path() / "inside");
    });
  for (auto& each : threads)
    each.join();
  CAF_CHECK_EQUAL(got, askers);
  CAF_CHECK_EQUAL(built, 1);
}

CAF_TEST(a failure is told and leaves nothing and the next one tries again) {
  CAF_CHECK(absl::IsNotFound(get("a", 10, absl::NotFoundError("gone")).status()));
  CAF_CHECK_EQUAL(on_disk(), 0u);
  CAF_CHECK_EQUAL(sut->entries(), 0u);
  CAF_CHECK(get("a").ok());
  CAF_CHECK_EQUAL(built, 2);
}

CAF_TEST(beyond the limit the longest unused trees go and those in use stay) {
  open(4, 30);
  const auto in_use = get("in use");
  get("old").IgnoreError();
  get("new").IgnoreError();
  get("old").IgnoreError(); // used again: now "new" is the longest unused
  CAF_CHECK_EQUAL(sut->entries(), 30u);
  get("one more").IgnoreError();
  CAF_CHECK_EQUAL(sut->entries(), 30u);
  CAF_CHECK_EQUAL(on_disk(), 3u);
  const auto before = built.load();
  get("old").IgnoreError();
  CAF_CHECK_EQUAL(built, before);
  get("new").IgnoreError();
  CAF_CHECK_EQUAL(built, before + 1);
  CAF_CHECK(std::filesystem::is_directory((*in_use)->path()));
}

CAF_TEST(what is in use may exceed the limit until it is let go) {
  open(4, 15);
  auto a = get("a");
  auto b = get("b");
  CAF_CHECK_EQUAL(sut->entries(), 20u);
  a = nullptr;
  CAF_CHECK_EQUAL(sut->entries(), 10u);
}

CAF_TEST(trees of an earlier life are not trusted) {
  get("a").IgnoreError();
  CAF_CHECK_EQUAL(on_disk(), 1u);
  open(4, 100);
  CAF_CHECK_EQUAL(on_disk(), 0u);
  CAF_CHECK(get("a").ok());
  CAF_CHECK_EQUAL(built, 2);
}

CAF_TEST_FIXTURE_SCOPE_END()
