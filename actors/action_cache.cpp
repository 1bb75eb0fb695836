#include "actors/action_cache.hpp"

#include "actors/background.hpp"
#include "actors/purge_work.hpp"
#include "storage/inlining.hpp"
#include "storage/missing.hpp"
#include "storage/referenced_blobs.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

using options_ptr = std::shared_ptr<const action_cache_options>;

/// Asks the CAS for everything that a result names, then goes on with what is missing.
template <class Then>
void check_present(const options_ptr& options, const std::vector<digest>& named, Then then) {
  caf::anon_send(options->blobs, find_missing{.trace = {}, .digests = named},
                 reply<missing_blobs>(std::move(then)));
}

bool is_over(const options_ptr& options, store_seconds stored_at) {
  return is_too_old(stored_at, options->ttl, options->clock());
}

// ---- get -----------------------------------------------------------------------------------

absl::Status a_miss(const digest& action) {
  return absl::NotFoundError("no result is cached for action " + action.to_string());
}

absl::Status incomplete(const digest& action, const std::string& why) {
  return absl::NotFoundError("a result is cached for action " + action.to_string()
                             + ", but it is not complete: " + why);
}

void finish_hit(const options_ptr& options, const get_result& request, const cached_result& result,
                const reply<cached_result>& answer) {
  options->meters->result_looked_up(result_lookup::hit);
  if (!asks_for_anything(request.inlined))
    return answer(result);
  auto inline_then_answer = [options, request, result, answer] {
    auto whole = std::make_shared<reapi::ActionResult>(*result);
    apply_inlining(*options->store, request.inlined, request.action.function(), *whole);
    answer(cached_result(std::move(whole)));
  };
  if (!needs_reading(*options->store, request.inlined, request.action.function(), *result))
    return inline_then_answer();
  if (!in_background(*options->io, io_pool::lane::short_work, std::move(inline_then_answer)))
    answer(pool_is_full());
}

void answer_if_complete(const options_ptr& options, const get_result& request,
                        const cached_result& result, const std::vector<digest>& named,
                        const reply<cached_result>& answer) {
  check_present(options, named, [=](const absl::StatusOr<missing_blobs>& missing) {
    if (missing.ok() && missing->digests.empty())
      return finish_hit(options, request, result, answer);
    options->meters->result_looked_up(result_lookup::incomplete);
    answer(missing.ok() ? incomplete(request.action, std::to_string(missing->digests.size())
                                                         + " blob(s) that it names are gone, first "
                                                         + missing->digests.front().to_string())
                        : missing.status());
  });
}

/// NOT_FOUND also for a result that is too old, and gone now.
absl::StatusOr<stored_result> read_result(const options_ptr& options, const digest& action) {
  auto stored = options->results->get(action);
  if (!stored.ok() || !is_over(options, stored->origin.stored_at))
    return stored;
  // One that can not be removed now is met again.
  if (options->results->remove_record(action, stored->serial).value_or(false))
    options->meters->results_removed(1);
  return a_miss(action);
}

/// On the I/O pool.
void look_up(const options_ptr& options, const action_cache_actor& me, std::uint64_t changes,
             const get_result& request, const reply<cached_result>& answer) {
  auto stored = read_result(options, request.action);
  if (!stored.ok()) {
    if (absl::IsNotFound(stored.status()))
      options->meters->result_looked_up(result_lookup::miss);
    return answer(absl::IsNotFound(stored.status()) ? a_miss(request.action) : stored.status());
  }
  auto& result = stored->result;
  clear_inlined(result);
  auto named = referenced_blobs(*options->store, result, request.action.function());
  if (!named.ok()) {
    options->meters->result_looked_up(result_lookup::incomplete);
    const bool broken = absl::IsNotFound(named.status()) || absl::IsInvalidArgument(named.status());
    return answer(broken ? incomplete(request.action, std::string(named.status().message()))
                         : named.status());
  }
  result_known event{.trace = {},
                     .action = request.action,
                     .result = std::make_shared<const reapi::ActionResult>(std::move(result)),
                     .named = std::make_shared<const std::vector<digest>>(*std::move(named)),
                     .changes = changes,
                     .stored_at = stored->origin.stored_at};
  answer_if_complete(options, request, event.result, *event.named, answer);
  caf::anon_send(me, std::move(event));
}

// ---- put -----------------------------------------------------------------------------------

/// Bytes that a client inlined become blobs: every output has a digest then, and a stored result
/// stays small whatever came with it. What was stored is added to `stored`.
absl::Status move_inlined(backend& store, digest_function function, reapi::ActionResult& result,
                          std::vector<digest>& stored) {
  absl::Status status;
  const auto keep = [&](std::string& bytes, auto& of, bool named, const reapi::Digest& name,
                        auto set_digest) {
    if (bytes.empty())
      return;
    const auto id = digest::of(bytes, function);
    if (named && id.to_proto().SerializeAsString() != name.SerializeAsString())
      return; // other bytes than those that it names: the name counts
    if (!has_and_keeps(store, id))
      status.Update(write_blob(store, bytes, function).status());
    stored.push_back(id);
    set_digest(of, id);
    bytes.clear();
  };
  keep(*result.mutable_stdout_raw(), result, result.has_stdout_digest(), result.stdout_digest(),
       [](auto& x, const digest& id) { *x.mutable_stdout_digest() = id.to_proto(); });
  keep(*result.mutable_stderr_raw(), result, result.has_stderr_digest(), result.stderr_digest(),
       [](auto& x, const digest& id) { *x.mutable_stderr_digest() = id.to_proto(); });
  for (auto& file : *result.mutable_output_files())
    keep(*file.mutable_contents(), file, file.has_digest(), file.digest(),
         [](auto& x, const digest& id) { *x.mutable_digest() = id.to_proto(); });
  return status;
}

void finish_put(const options_ptr& options, const action_cache_actor& me,
                const request_metadata& asker, result_known event, const reply<unit>& answer) {
  auto store_then_answer = [=, event = std::move(event)]() mutable {
    event.stored_at = options->clock();
    const auto status = options->results->put(event.action, *event.result,
                                              {.stored_at = event.stored_at,
                                               .mnemonic = asker.action_mnemonic,
                                               .target_id = asker.target_id});
    if (!status.ok())
      return answer(status);
    options->meters->result_written();
    caf::anon_send(me, std::move(event)); // before the answer: who asks next finds it
    answer(unit{});
  };
  if (!in_background(*options->io, io_pool::lane::write_work, std::move(store_then_answer)))
    answer(pool_is_full());
}

void check_and_put(const options_ptr& options, const action_cache_actor& me, std::uint64_t removals,
                   const put_result& request, const reply<unit>& answer) {
  const auto what = "cannot cache the result of action " + request.action.to_string();
  auto named = referenced_blobs(*options->store, *request.result, request.action.function());
  if (!named.ok())
    return answer(absl::IsNotFound(named.status()) ? absl::FailedPreconditionError(
                      what + ": " + std::string(named.status().message()))
                                                   : named.status());
  const result_known event{.trace = {},
                           .action = request.action,
                           .result = request.result,
                           .named = std::make_shared<const std::vector<digest>>(*std::move(named)),
                           .changes = std::nullopt,
                           .removals = removals};
  check_present(options, *event.named,
                [=, asker = request.asker](const absl::StatusOr<missing_blobs>& missing) {
                  if (!missing.ok())
                    return answer(missing.status());
                  if (!missing->digests.empty())
                    return answer(missing_blobs_error(what, missing->digests));
                  finish_put(options, me, asker, event, answer);
                });
}

/// On the I/O pool.
void check_inlined_and_put(const options_ptr& options, const action_cache_actor& me,
                           std::uint64_t removals, const put_result& request,
                           const reply<unit>& answer) {
  auto result = std::make_shared<reapi::ActionResult>(*request.result);
  blobs_stored event{.trace = {}, .digests = {}, .admitted = false};
  if (auto status =
          move_inlined(*options->store, request.action.function(), *result, event.digests);
      !status.ok())
    return answer(status);
  clear_inlined(*result);
  const put_result complete{
      .trace = {}, .action = request.action, .result = std::move(result), .asker = request.asker};
  if (event.digests.empty())
    return check_and_put(options, me, removals, complete, answer);
  caf::anon_send(
      options->blobs, std::move(event), reply<unit>([=](const absl::StatusOr<unit>& stored) {
        if (!stored.ok())
          return answer(stored.status());
        if (!in_background(*options->io, io_pool::lane::short_work,
                           [=] { check_and_put(options, me, removals, complete, answer); }))
          answer(pool_is_full());
      }));
}

} // namespace

void action_cache_state::get(const get_result& request, const reply<cached_result>& answer) {
  if (const auto* found = remembered.find(request.action)) {
    if (!is_over(options, found->stored_at))
      return answer_if_complete(options, request, found->result, *found->named, answer);
    remembered.erase(request.action);
  }
  if (!in_background(*options->io, io_pool::lane::short_work,
                     [given = options, me = action_cache_actor{self}, now = changes, request,
                      answer] { look_up(given, me, now, request, answer); }))
    answer(pool_is_full());
}

void action_cache_state::put(const put_result& request, const reply<unit>& answer) {
  if (!in_background(*options->io, io_pool::lane::write_work,
                     [given = options, me = action_cache_actor{self}, now = removals, request,
                      answer] { check_inlined_and_put(given, me, now, request, answer); }))
    answer(pool_is_full());
}

void action_cache_state::purge(const purge_results& request, const reply<purge_report>& answer) {
  if (purging)
    return answer(absl::ResourceExhaustedError(
        "another purge of the action cache goes on; try again when it has ended"));
  purging = true;
  run_purge({.results = options->results, .io = options->io, .cache = self}, request,
            options->clock(), answer);
}

void action_cache_state::forget(const results_removed& event) {
  if (!event.actions.empty()) {
    ++changes;
    ++removals;
  }
  for (const auto& action : event.actions)
    remembered.erase(action);
  options->meters->results_removed(event.actions.size());
  if (event.over)
    purging = false;
}

/// What was read before something changed may be what was there before the change; what was stored
/// may have been removed since.
void action_cache_state::remember(result_known& event) {
  if (event.changes && *event.changes != changes)
    return;
  if (!event.changes) {
    ++changes;
    remembered.erase(event.action);
    if (event.removals != removals)
      return;
  }
  const auto bytes = event.result->SpaceUsedLong() + event.named->size() * sizeof(digest);
  remembered.put(event.action, {std::move(event.result), std::move(event.named), event.stored_at},
                 bytes);
}

action_cache_actor::behavior_type action_cache(action_cache_state::pointer self,
                                               action_cache_options given) {
  auto& state = self->state;
  state.remembered = action_cache_state::memory(given.max_remembered_bytes);
  state.options = std::make_shared<const action_cache_options>(std::move(given));
  return traced_behavior(
      self, action_cache_state::name,
      action_cache_actor::behavior_type{
          [&state](const get_result& x, const reply<cached_result>& answer) {
            state.get(x, answer);
          },
          [&state](const put_result& x, const reply<unit>& answer) { state.put(x, answer); },
          [&state](const purge_results& x, const reply<purge_report>& answer) {
            state.purge(x, answer);
          },
          [&state](result_known& x) { state.remember(x); },
          [&state](const results_removed& x) { state.forget(x); }});
}

} // namespace expbuild
