#define CAF_SUITE actors.action_history
#include "actors/action_history.hpp"
#include "storage/missing.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

const auto now = std::chrono::system_clock::time_point(std::chrono::hours(500'000));

std::shared_ptr<const loaded_action> making(const std::string& output) {
  auto x = std::make_shared<loaded_action>();
  x->command.add_output_paths(output);
  return x;
}

struct fixture {
  action_history history{{.max_actions = 4, .max_failed = 2, .max_result_bytes = 100}};
  std::uint64_t last = 0;

  std::uint64_t begin(const std::string& name, const std::string& target = "//some:target",
                      const std::string& output = "out") {
    action_record x;
    x.execution = ++last;
    x.trace = 100 + last;
    x.action = digest::of(name);
    x.operations = {"operation-" + name};
    x.asker.target_id = target;
    x.asker.invocation_id = "invocation-" + name;
    x.began = now + std::chrono::seconds(last);
    x.loaded = making(output);
    history.began(x);
    return last;
  }

  void end(std::uint64_t execution, action_outcome how = action_outcome::success,
           cached_result result = nullptr) {
    history.ended(execution, [&](action_record& x) {
      x.outcome = how;
      x.ended = x.began + std::chrono::seconds(2);
      x.result = result;
    });
  }

  std::vector<std::uint64_t> found(const std::string& filter) const {
    std::vector<std::uint64_t> all;
    for (const auto& x : history.list(*action_filter::parse(filter), 0, 100, now).actions)
      all.push_back(x->execution);
    return all;
  }
};

using numbers = std::vector<std::uint64_t>;

} // namespace

CAF_TEST_FIXTURE_SCOPE(action_history_tests, fixture)

CAF_TEST(an action is found by operation or hash or invocation or target or worker or trace) {
  const auto first = begin("alpha");
  begin("beta", "//other:target");
  history.change(first, [](action_record& x) { x.worker = "host-worker-7"; });
  const auto execution_of = [this](const std::string& query) {
    return (*history.find(query))->execution;
  };
  CAF_CHECK_EQUAL(execution_of("operation-alpha"), first);
  CAF_CHECK_EQUAL(execution_of(digest::of("alpha").hash().substr(0, 12)), first);
  CAF_CHECK_EQUAL(execution_of("invocation-al"), first);
  CAF_CHECK_EQUAL(execution_of("//some:target"), first);
  CAF_CHECK_EQUAL(execution_of("host-worker-7"), first);
  CAF_CHECK_EQUAL(execution_of("0000000000000065"), first); // its trace id, as the log tells it
  CAF_CHECK(absl::IsInvalidArgument(history.find("operation").status()));
  CAF_CHECK(absl::IsInvalidArgument(history.find("opera").status()));
  CAF_CHECK(absl::IsNotFound(history.find("nothing-like-it").status()));
}

CAF_TEST(of several actions of one target the latest is found) {
  begin("alpha");
  const auto second = begin("beta");
  CAF_CHECK_EQUAL((*history.find("//some:target"))->execution, second);
}

CAF_TEST(what failed stays while what went well goes) {
  const auto failed = begin("failed");
  end(failed, action_outcome::nonzero);
  for (int i = 0; i < 10; ++i)
    end(begin("fine" + std::to_string(i)));
  CAF_CHECK(history.of(failed) != nullptr);
  CAF_CHECK_EQUAL(found("").size(), 4u);
  for (int i = 0; i < 10; ++i)
    end(begin("bad" + std::to_string(i)), action_outcome::infra_error);
  CAF_CHECK(history.of(failed) == nullptr);
  CAF_CHECK_EQUAL(found("failed").size(), 2u);
}

CAF_TEST(live actions are never forgotten) {
  for (int i = 0; i < 20; ++i)
    begin("live" + std::to_string(i));
  CAF_CHECK_EQUAL(found("state=live").size(), 20u);
  CAF_CHECK_EQUAL(history.live().size(), 20u);
}

CAF_TEST(results are kept within their bytes and the newest ones) {
  auto result = std::make_shared<reapi::ActionResult>();
  result->set_stdout_raw(std::string(60, 'x'));
  const auto first = begin("first");
  end(first, action_outcome::success, result);
  const auto second = begin("second");
  end(second, action_outcome::success, result);
  CAF_CHECK(history.of(first)->result == nullptr);
  CAF_CHECK(history.of(second)->result != nullptr);
}

CAF_TEST(of an end little is kept however much a client made it carry) {
  constexpr std::size_t limit = std::size_t{4} << 20;
  constexpr std::size_t large = std::size_t{1} << 20;
  action_history wide({.max_result_bytes = limit});
  const std::vector<digest> absent(large / 90, digest::of("absent"));
  for (std::uint64_t i = 1; i <= 100; ++i) {
    action_record x;
    x.execution = i;
    wide.began(std::move(x));
    wide.ended(i, [&](action_record& y) {
      y.outcome = action_outcome::infra_error;
      y.status = missing_blobs_error("staging " + std::string(large, 'x'), absent);
      y.worker = std::string(large, 'w');
      y.metadata.set_worker(y.worker);
      y.metadata.add_auxiliary_metadata()->set_value(std::string(large, 'a'));
      y.metadata.mutable_worker_start_timestamp()->set_seconds(i);
    });
  }
  std::size_t kept = 0;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    const auto& x = *wide.of(i);
    kept += x.status.ToString(absl::StatusToStringMode::kWithEverything).size() + x.worker.size()
            + x.metadata.ByteSizeLong();
    CAF_CHECK_EQUAL(x.metadata.worker_start_timestamp().seconds(), static_cast<std::int64_t>(i));
  }
  CAF_CHECK(kept < limit + 100 * 10'000);
  const auto& newest = *wide.of(100);
  CAF_CHECK_EQUAL(newest.metadata.auxiliary_metadata_size(), 1); // the newest keep it
  CAF_CHECK(absl::IsFailedPrecondition(newest.status));
  CAF_CHECK_EQUAL(newest.missing, absent.size());
  CAF_CHECK_EQUAL(newest.first_missing, absent.front().to_resource());
}

CAF_TEST(who looks at an action goes on seeing what it was) {
  const auto execution = begin("alpha");
  const auto before = history.of(execution);
  history.change(execution, [](action_record& x) { x.worker = "w"; });
  CAF_CHECK(before->worker.empty());
  CAF_CHECK_EQUAL(history.of(execution)->worker, "w");
}

CAF_TEST(the action before is that of the same target and outputs) {
  begin("one");
  begin("elsewhere", "//other:target");
  begin("another output", "//some:target", "other");
  const auto again = begin("two");
  CAF_REQUIRE(history.of(again)->before);
  CAF_CHECK_EQUAL(history.of(again)->before->hash(), digest::of("one").hash());
  CAF_CHECK(!history.of(again - 1)->before);
}

CAF_TEST(pages keep their place while actions come) {
  for (int i = 0; i < 4; ++i)
    end(begin("a" + std::to_string(i)));
  const auto all = *action_filter::parse("");
  const auto first = history.list(all, 0, 2, now);
  CAF_CHECK_EQUAL(first.actions.size(), 2u);
  CAF_CHECK_EQUAL(first.total, 4u);
  begin("new");
  const auto second = history.list(all, first.next, 2, now);
  CAF_REQUIRE_EQUAL(second.actions.size(), 2u);
  CAF_CHECK_EQUAL(second.actions[0]->execution, 2u);
  CAF_CHECK_EQUAL(second.next, 0u);
}

CAF_TEST(all terms of a filter must fit) {
  const auto live = begin("live");
  const auto good = begin("good", "//a:b");
  const auto bad = begin("bad", "//a:b");
  end(good);
  end(bad, action_outcome::timeout);
  CAF_CHECK(found("state=live") == numbers{live});
  CAF_CHECK((found("target=//a:b") == numbers{bad, good}));
  CAF_CHECK((found("target=//a:b failed") == numbers{bad}));
  CAF_CHECK((found("target=//a:b AND outcome=success") == numbers{good}));
  CAF_CHECK((found("slow=1 state=done") == numbers{bad, good}));
  CAF_CHECK(found("slow=5 state=done").empty());
  CAF_CHECK((found("operation-good") == numbers{good}));
  CAF_CHECK((found("digest=" + digest::of("bad").hash().substr(0, 8)) == numbers{bad}));
  CAF_CHECK((found("//a:b") == numbers{bad, good}));
}

CAF_TEST(a filter that is none names the term) {
  for (const auto* text : {"state=maybe", "colour=red", "slow=very", "outcome=strange"}) {
    const auto filter = action_filter::parse(text);
    CAF_CHECK(absl::IsInvalidArgument(filter.status()));
    CAF_CHECK(filter.status().message().find(text) != std::string_view::npos);
  }
  std::string many;
  for (int i = 0; i < 30; ++i)
    many += "x ";
  CAF_CHECK(absl::IsInvalidArgument(action_filter::parse(many).status()));
}

CAF_TEST_FIXTURE_SCOPE_END()
