#define CAF_SUITE actors.result_removal
#include "actors/action_cache.hpp"
#include "actors/cas.hpp"
#include "storage/result_store.hpp"
#include "test/support/actors.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// Work waits until it is told to run.
class patient_pool : public io_pool {
public:
  bool post(lane, std::function<void()> work) override {
    waiting.push_back(std::move(work));
    return true;
  }
  void stop() override {}

  /// False when there was none.
  bool run_one() {
    if (waiting.empty())
      return false;
    const auto work = std::move(waiting.front());
    waiting.erase(waiting.begin());
    work();
    return true;
  }

  std::vector<std::function<void()>> waiting;
};

struct fixture : actor_fixture {
  std::shared_ptr<result_store> results = make_memory_result_store();
  std::shared_ptr<store_seconds> now = std::make_shared<store_seconds>(10'000);
  cas_actor blobs;
  action_cache_actor cache;
  const digest action = digest::of("action");

  fixture() {
    blobs = keep(sys.spawn(cas, cas_options{.store = store, .io = io, .meters = meters}));
  }

  void open(store_seconds ttl, const std::shared_ptr<io_pool>& pool,
            std::size_t remembered = std::size_t{1} << 20) {
    cache = keep(sys.spawn(action_cache, action_cache_options{.results = results,
                                                              .store = store,
                                                              .io = pool,
                                                              .meters = meters,
                                                              .blobs = blobs,
                                                              .ttl = ttl,
                                                              .clock = [now = now] { return *now; },
                                                              .max_remembered_bytes = remembered}));
    consume_messages();
  }

  template <class T, class Message>
  answer_box<T> ask(Message message) {
    answer_box<T> box;
    caf::anon_send(cache, std::move(message), box.make());
    consume_messages();
    return box;
  }

  /// By this worker, for an action of this mnemonic.
  answer_box<unit> put(const digest& of, const std::string& worker = "one",
                       const std::string& mnemonic = "") {
    auto result = std::make_shared<reapi::ActionResult>();
    result->mutable_execution_metadata()->set_worker(worker);
    put_result request{.trace = {}, .action = of, .result = result};
    request.asker.action_mnemonic = mnemonic;
    request.asker.target_id = "//some:target";
    return ask<unit>(request);
  }

  bool hit(const digest& of) {
    return ask<cached_result>(get_result{.trace = {}, .action = of, .inlined = {}}).status().ok();
  }

  answer_box<purge_report> purge(result_filter filter, bool dry_run = false) {
    return ask<purge_report>(
        purge_results{.trace = {}, .filter = std::move(filter), .dry_run = dry_run});
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(result_removal_tests, fixture)

CAF_TEST(a stored result knows when and for whom it was stored) {
  open(0, io);
  put(action, "one", "CppCompile");
  const auto found = results->peek(action);
  CAF_REQUIRE(found.ok());
  CAF_CHECK_EQUAL(found->origin.stored_at, 10'000u);
  CAF_CHECK_EQUAL(found->origin.mnemonic, "CppCompile");
  CAF_CHECK_EQUAL(found->origin.target_id, "//some:target");
}

CAF_TEST(a result that is too old is a miss and removed whether it is remembered or not ) {
  for (const std::size_t remembered : {std::size_t{1} << 20, std::size_t{0}}) {
    open(60, io, remembered);
    put(action);
    *now += 60;
    CAF_CHECK(hit(action));
    CAF_CHECK(results->peek(action).ok());
    *now += 1; // the hit did not make it younger
    CAF_CHECK(!hit(action));
    CAF_CHECK(!results->peek(action).ok());
  }
}

CAF_TEST(a result that is stored again is new again) {
  open(60, io);
  put(action);
  *now += 50;
  put(action);
  *now += 50;
  CAF_CHECK(hit(action));
}

CAF_TEST(a result that was read counts from when it was stored not from when it was read) {
  open(60, io);
  CAF_CHECK(results->put(action, reapi::ActionResult(), {.stored_at = *now - 30}).ok());
  CAF_CHECK(hit(action)); // and remembered
  *now += 31;
  CAF_CHECK(!hit(action));
}

CAF_TEST(without a limit no result is too old) {
  open(0, io);
  put(action);
  *now += 1'000'000'000;
  CAF_CHECK(hit(action));
}

CAF_TEST(a purge removes what was remembered as well and a dry run nothing) {
  open(0, io);
  const auto other = digest::of("other");
  put(action, "one");
  put(other, "two");
  const auto dry = purge({.worker = "one"}, true);
  CAF_REQUIRE(dry.status().ok());
  CAF_CHECK_EQUAL(dry.value().matched, 1u);
  CAF_CHECK(hit(action));
  const auto done = purge({.worker = "one"});
  CAF_REQUIRE(done.status().ok());
  CAF_CHECK_EQUAL(done.value().removed, 1u);
  CAF_CHECK(!hit(action));
  CAF_CHECK(hit(other));
}

CAF_TEST(one purge at a time and the next when it has ended) {
  const auto pool = std::make_shared<patient_pool>();
  open(0, pool);
  const auto first = purge({.worker = "one"});
  CAF_CHECK(!first.answered());
  const auto second = purge({.worker = "one"});
  CAF_CHECK(absl::IsResourceExhausted(second.status()));
  while (pool->run_one())
    consume_messages();
  CAF_CHECK(first.status().ok());
  const auto third = purge({.worker = "one"});
  CAF_CHECK(!third.answered());
  while (pool->run_one())
    consume_messages();
  CAF_CHECK(third.status().ok());
}

CAF_TEST(a purge leaves the pool to others in between and ends when nobody waits any more) {
  const auto pool = std::make_shared<patient_pool>();
  open(0, pool);
  for (int i = 0; i < 1'000; ++i)
    CAF_CHECK(results->put(digest::of(std::to_string(i)), {}, {.stored_at = 1}).ok());
  const auto given_up = std::make_shared<std::atomic<bool>>(false);
  const auto box =
      ask<purge_report>(purge_results{.trace = {}, .filter = {}, .given_up = given_up});
  CAF_CHECK(pool->run_one());
  CAF_CHECK_EQUAL(pool->waiting.size(), 1u); // the next part waits behind whatever came meanwhile
  *given_up = true;
  CAF_CHECK(pool->run_one());
  CAF_CHECK(absl::IsCancelled(box.status()));
  CAF_CHECK(std::string(box.status().message()).find("256 are removed") != std::string::npos);
  CAF_CHECK(pool->waiting.empty());
  result_cursor from;
  CAF_CHECK_EQUAL(results->list(from, 2'000).size(), 744u);
}

CAF_TEST(a result that was purged before its storing was told is not remembered) {
  open(0, io);
  caf::anon_send(cache, results_removed{.trace = {}, .actions = {action}});
  caf::anon_send(cache, result_known{.trace = {},
                                     .action = action,
                                     .result = std::make_shared<const reapi::ActionResult>(),
                                     .named = std::make_shared<const std::vector<digest>>(),
                                     .changes = std::nullopt,
                                     .removals = 0}); // stored before the purge removed it
  consume_messages();
  CAF_CHECK(!hit(action));
}

CAF_TEST_FIXTURE_SCOPE_END()
