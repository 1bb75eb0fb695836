#define CAF_SUITE storage.purge
#include "storage/result_purge.hpp"
#include "test/support/failing_disk.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>

using namespace expbuild;
using namespace expbuild::test;

namespace {

constexpr store_seconds began = 10'000;

struct fixture {
  temporary_folder folder;
  std::vector<std::shared_ptr<result_store>> all{
      make_memory_result_store(),
      *make_filesystem_result_store({.root = folder.path() / "cache",
                                     .background = false,
                                     .calls = std::make_shared<failing_disk>(),
                                     .clock = [] { return store_seconds{20'000}; }})};

  static digest name(int i) { return digest::of("action " + std::to_string(i)); }

  static void put(result_store& store, int i, const std::string& worker,
                  const std::string& mnemonic, store_seconds at) {
    reapi::ActionResult result;
    result.mutable_execution_metadata()->set_worker(worker);
    CAF_CHECK(store.put(name(i), result, {.stored_at = at, .mnemonic = mnemonic}).ok());
  }

  /// Four results of two workers, two mnemonics and four times.
  static void fill(result_store& store) {
    put(store, 1, "one", "CppCompile", 1'000);
    put(store, 2, "one", "CppLink", 2'000);
    put(store, 3, "two", "CppCompile", 3'000);
    put(store, 4, "two", "", 4'000);
  }

  static purge_report run(const std::shared_ptr<result_store>& store, const result_filter& filter,
                          bool dry_run = false) {
    result_purge purge(store, filter, dry_run, began);
    std::vector<digest> removed;
    while (!purge.is_over())
      CAF_REQUIRE(purge.step(3, removed).ok());
    CAF_CHECK_EQUAL(removed.size(), purge.report().removed);
    return purge.report();
  }

  static std::vector<int> left(result_store& store) {
    std::vector<int> found;
    for (int i = 1; i <= 4; ++i)
      if (store.get(name(i)).ok())
        found.push_back(i);
    return found;
  }
};

using numbers = std::vector<int>;

} // namespace

CAF_TEST_FIXTURE_SCOPE(result_purge_tests, fixture)

CAF_TEST(a purge removes what fits in all conditions and nothing else) {
  struct example {
    result_filter filter;
    numbers left;
  };
  const std::vector<example> examples{
      {{.worker = "one"}, {3, 4}},
      {{.worker = "on"}, {1, 2, 3, 4}},
      {{.mnemonic = "CppCompile"}, {2, 4}},
      {{.worker = "one", .mnemonic = "CppCompile"}, {2, 3, 4}},
      {{.stored_before = 2'000}, {2, 3, 4}},
      {{.stored_after = 3'000}, {1, 2}},
      {{.stored_before = 4'000, .stored_after = 2'000}, {1, 4}},
      {{}, {}},
  };
  for (const auto& store : all)
    for (const auto& x : examples) {
      fill(*store);
      const auto report = run(store, x.filter);
      CAF_CHECK(left(*store) == x.left);
      CAF_CHECK_EQUAL(report.looked_at, 4u);
      CAF_CHECK_EQUAL(report.removed, 4 - x.left.size());
      CAF_CHECK_EQUAL(report.matched, report.removed);
      CAF_CHECK_EQUAL(report.matched_bytes, report.removed_bytes);
      CAF_CHECK_EQUAL(report.removed_bytes > 0, report.removed > 0);
    }
}

CAF_TEST(a dry run says what would go and removes nothing) {
  for (const auto& store : all) {
    fill(*store);
    const auto report = run(store, {.worker = "one"}, true);
    CAF_CHECK_EQUAL(report.matched, 2u);
    CAF_CHECK_EQUAL(report.removed, 0u);
    CAF_CHECK_EQUAL(report.removed_bytes, 0);
    CAF_REQUIRE_EQUAL(report.samples.size(), 2u);
    const auto sample = std::find_if(report.samples.begin(), report.samples.end(),
                                     [](const auto& x) { return x.action == name(2); });
    CAF_REQUIRE(sample != report.samples.end());
    CAF_CHECK_EQUAL(sample->worker, "one");
    CAF_CHECK_EQUAL(sample->origin.mnemonic, "CppLink");
    CAF_CHECK_EQUAL(sample->origin.stored_at, 2'000u);
    CAF_CHECK(left(*store) == (numbers{1, 2, 3, 4}));
  }
}

CAF_TEST(what is stored after a purge began stays) {
  for (const auto& store : all) {
    fill(*store);
    put(*store, 2, "one", "CppLink", began + 1);
    CAF_CHECK_EQUAL(run(store, {}).removed, 3u);
    CAF_CHECK(left(*store) == numbers{2});
  }
}

CAF_TEST(a purge goes some results at a time while others are stored and removed) {
  for (const auto& store : all) {
    for (int i = 0; i < 50; ++i)
      put(*store, i, "one", "", 1'000);
    result_purge purge(store, {.worker = "one"}, false, began);
    std::vector<digest> removed;
    for (int i = 100; !purge.is_over(); ++i) {
      CAF_REQUIRE(purge.step(7, removed).ok());
      put(*store, i, "one", "", began + 1); // stored anew
      CAF_CHECK(store->remove(name(i - 60)).ok());
    }
    result_cursor from;
    for (auto some = store->list(from, 7); !some.empty(); some = store->list(from, 7))
      for (const auto& each : some)
        CAF_CHECK_EQUAL(+store->peek(each)->origin.stored_at, began + 1);
  }
}

namespace {

/// Somebody stores a result anew between the look at the old one and its removal.
class busy_store : public result_store {
public:
  explicit busy_store(std::shared_ptr<result_store> inner) : inner_(std::move(inner)) {}

  absl::StatusOr<stored_result> get(const digest& action) override { return inner_->get(action); }
  absl::StatusOr<stored_result> peek(const digest& action) override {
    auto found = inner_->peek(action);
    if (found.ok())
      CAF_CHECK(inner_->put(action, found->result, found->origin).ok());
    return found;
  }
  absl::Status put(const digest& action, const reapi::ActionResult& result,
                   const result_origin& origin) override {
    return inner_->put(action, result, origin);
  }
  absl::Status remove(const digest& action) override { return inner_->remove(action); }
  absl::StatusOr<bool> remove_record(const digest& action, std::uint64_t serial) override {
    return inner_->remove_record(action, serial);
  }
  std::vector<digest> list(result_cursor& from, std::size_t count) override {
    return inner_->list(from, count);
  }

private:
  const std::shared_ptr<result_store> inner_;
};

} // namespace

CAF_TEST(a result that was stored anew since it was looked at is not removed) {
  const auto inner = all[1];
  fill(*inner);
  const auto report = run(std::make_shared<busy_store>(inner), {.worker = "one"});
  CAF_CHECK_EQUAL(report.matched, 2u);
  CAF_CHECK_EQUAL(report.removed, 0u);
  CAF_CHECK(left(*inner) == (numbers{1, 2, 3, 4}));
}

CAF_TEST(samples are the first hundred) {
  for (const auto& store : all) {
    for (int i = 0; i < 130; ++i)
      put(*store, i, std::string(5'000, 'w'), "", 1'000);
    const auto report = run(store, {}, true);
    CAF_CHECK_EQUAL(report.matched, 130u);
    CAF_REQUIRE_EQUAL(report.samples.size(), max_purge_samples);
    CAF_CHECK(report.samples.front().worker.size() < 1'000);
  }
}

CAF_TEST(a result is too old when more than its time is over and never while it has no limit) {
  CAF_CHECK(!is_too_old(1'000, 60, 1'060));
  CAF_CHECK(is_too_old(1'000, 60, 1'061));
  CAF_CHECK(!is_too_old(1'000, 0, 4'000'000'000));
  CAF_CHECK(!is_too_old(5'000, 60, 1'000)); // of the future: new
}

CAF_TEST_FIXTURE_SCOPE_END()
