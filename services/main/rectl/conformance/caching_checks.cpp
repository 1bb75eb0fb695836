#include "services/main/rectl/conformance/action_run.hpp"

/// What execution looks up in the action cache, and what it stores there; what runs shared.

namespace expbuild::conformance {

namespace {

void skip_lookup(reapi::ExecuteRequest& request) {
  request.set_skip_cache_lookup(true);
}

void do_not_cache(reapi::Action& action) {
  action.set_do_not_cache(true);
}

reapi::Command slow_uuid() {
  return shell("sleep 0.7; " + std::string(print_uuid));
}

void success_is_cached(subject& s) {
  const auto action = store_action(s, shell(print_uuid));
  const auto first = run(s, action);
  expect_equal("cached_result of the first run", first.cached_result(), false);
  const auto hit = s.get_result(action.to_proto());
  expect_ok("GetActionResult after a success", hit.status);
  expect_equal("stdout", stdout_of(s, hit.message), stdout_of(s, first.result()));
}

void second_execution_is_a_cache_hit(subject& s) {
  const auto action = store_action(s, shell(print_uuid));
  const auto first = run(s, action);
  const auto second = run(s, action);
  expect_equal("cached_result of the second", second.cached_result(), true);
  expect_equal("stdout", stdout_of(s, second.result()), stdout_of(s, first.result()));
}

void cache_hit_tells_who_ran_it(subject& s) {
  const auto action = store_action(s, shell("true"));
  const auto first = run(s, action).result();
  const auto second = run(s, action).result();
  expect(!second.execution_metadata().worker().empty(), "execution_metadata.worker in a hit",
         "none");
  expect_equal("worker", second.execution_metadata().worker(), first.execution_metadata().worker());
}

void failure_is_not_cached(subject& s) {
  const auto action = store_action(s, shell("exit 1"));
  execute(s, action).response();
  expect_code("GetActionResult after a failure", s.get_result(action.to_proto()).status,
              grpc::StatusCode::NOT_FOUND);
}

void failure_runs_again(subject& s) {
  const auto action = store_action(s, shell(std::string(print_uuid) + "; exit 1"));
  const auto first = execute(s, action).response();
  const auto second = execute(s, action).response();
  expect_equal("cached_result", second.cached_result(), false);
  expect(stdout_of(s, first.result()) != stdout_of(s, second.result()), "a second run",
         "the first result again");
}

void skip_cache_lookup_runs_again_and_overwrites(subject& s) {
  const auto action = store_action(s, shell(print_uuid));
  const auto first = run(s, action);
  const auto second = run(s, action, skip_lookup);
  expect_equal("cached_result", second.cached_result(), false);
  const auto text = stdout_of(s, second.result());
  expect(text != stdout_of(s, first.result()), "a second run", "the first result again");
  const auto hit = s.get_result(action.to_proto());
  expect_ok("GetActionResult", hit.status);
  expect_equal("stdout of the entry", stdout_of(s, hit.message), text);
}

void do_not_cache_is_not_cached(subject& s) {
  const auto action = store_action(s, shell(print_uuid), {}, do_not_cache);
  const auto first = run(s, action);
  expect_code("GetActionResult of a do_not_cache action", s.get_result(action.to_proto()).status,
              grpc::StatusCode::NOT_FOUND);
  const auto second = run(s, action);
  expect_equal("cached_result", second.cached_result(), false);
  expect(stdout_of(s, first.result()) != stdout_of(s, second.result()), "a second run",
         "the first result again");
}

/// Two at a time; what each printed.
std::pair<std::string, std::string> run_twice(subject& s, const digest& action,
                                              const request_change& second) {
  execution a(s, action);
  a.next();
  execution b(s, action, second);
  const auto of_b = b.finish().response();
  const auto of_a = a.finish().response();
  return {stdout_of(s, of_a.result()), stdout_of(s, of_b.result())};
}

void same_action_joins_what_runs(subject& s) {
  const auto [a, b] = run_twice(s, store_action(s, slow_uuid()), {});
  expect_equal("stdout of the second", b, a);
}

void do_not_cache_is_not_merged(subject& s) {
  const auto [a, b] = run_twice(s, store_action(s, slow_uuid(), {}, do_not_cache), {});
  expect(a != b, "two runs of a do_not_cache action", "one shared run");
}

void skip_cache_lookup_is_not_merged(subject& s) {
  const auto [a, b] = run_twice(s, store_action(s, slow_uuid()), skip_lookup);
  expect(a != b, "a run of its own for skip_cache_lookup", "one shared run");
}

void uploaded_result_is_a_hit_for_execute(subject& s) {
  s.need_cache_updates();
  const auto action = store_action(s, shell("exit 1"));
  reapi::ActionResult result;
  const auto text = s.fresh();
  *result.mutable_stdout_digest() = s.store(text).to_proto();
  expect_ok("UpdateActionResult", s.update_result(action.to_proto(), result).status);
  const auto response = run(s, action);
  expect_equal("cached_result", response.cached_result(), true);
  expect_equal("stdout", stdout_of(s, response.result()), text);
}

} // namespace

check_list caching_checks() {
  return {
      {"caching.success_is_cached", "Status OK and exit code 0 are cached.", success_is_cached},
      {"caching.second_execution_is_a_cache_hit", "cached_result is true for cache hits.",
       second_execution_is_a_cache_hit},
      {"caching.cache_hit_tells_who_ran_it", "execution_metadata is set always.",
       cache_hit_tells_who_ran_it},
      {"caching.failure_is_not_cached", "Only status OK with exit code 0 is cached.",
       failure_is_not_cached},
      {"caching.failure_runs_again", "Only status OK with exit code 0 is cached.",
       failure_runs_again},
      {"caching.skip_cache_lookup_runs_again_and_overwrites",
       "A skip_cache_lookup result overwrites the entry.",
       skip_cache_lookup_runs_again_and_overwrites},
      {"caching.do_not_cache_is_not_cached", "do_not_cache actions are not cached.",
       do_not_cache_is_not_cached},
      {"caching.same_action_joins_what_runs",
       "The same action submitted while it runs joins the running execution.",
       same_action_joins_what_runs},
      {"caching.do_not_cache_is_not_merged", "do_not_cache actions are not merged.",
       do_not_cache_is_not_merged},
      {"caching.skip_cache_lookup_is_not_merged", "skip_cache_lookup asks for a run of its own.",
       skip_cache_lookup_is_not_merged},
      {"caching.uploaded_result_is_a_hit_for_execute",
       "What a permitted client puts into the action cache, Execute finds.",
       uploaded_result_is_a_hit_for_execute},
  };
}

} // namespace expbuild::conformance
