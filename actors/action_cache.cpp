#include "actors/action_cache.hpp"

#include "actors/background.hpp"
#include "storage/inlining.hpp"
#include "storage/missing.hpp"
#include "storage/referenced_blobs.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

using options_ptr = std::shared_ptr<const action_cache_options>;

/// Asks the CAS for everything that `result` names, then goes on with what is missing.
template <class Then>
void check_complete(const options_ptr& options, const digest& action,
                    const reapi::ActionResult& result, Then then) {
  auto named = referenced_blobs(*options->store, result, action.function());
  if (!named.ok())
    return then(named.status());
  caf::anon_send(options->blobs, find_missing{.trace = {}, .digests = *std::move(named)},
                 reply<missing_blobs>(std::move(then)));
}

// ---- get -----------------------------------------------------------------------------------

absl::Status a_miss(const digest& action) {
  return absl::NotFoundError("no result is cached for action " + action.to_string());
}

void finish_hit(const options_ptr& options, const get_result& request,
                const std::shared_ptr<reapi::ActionResult>& result,
                const reply<cached_result>& answer) {
  options->meters->result_looked_up(result_lookup::hit);
  auto inline_then_answer = [options, request, result, answer] {
    apply_inlining(*options->store, request.inlined, request.action.function(), *result);
    answer(cached_result(result));
  };
  if (!needs_reading(request.inlined, *result))
    return inline_then_answer();
  if (!in_background(*options->io, io_pool::lane::short_work, std::move(inline_then_answer)))
    answer(pool_is_full());
}

/// On the I/O pool.
void look_up(const options_ptr& options, const get_result& request,
             const reply<cached_result>& answer) {
  auto stored = options->results->get(request.action);
  if (!stored.ok()) {
    if (absl::IsNotFound(stored.status()))
      options->meters->result_looked_up(result_lookup::miss);
    return answer(absl::IsNotFound(stored.status()) ? a_miss(request.action) : stored.status());
  }
  auto result = std::make_shared<reapi::ActionResult>(*std::move(stored));
  check_complete(options, request.action, *result,
                 [=](const absl::StatusOr<missing_blobs>& missing) {
                   if (missing.ok() && missing->digests.empty())
                     return finish_hit(options, request, result, answer);
                   options->meters->result_looked_up(result_lookup::incomplete);
                   const bool broken = missing.ok() || absl::IsNotFound(missing.status())
                                       || absl::IsInvalidArgument(missing.status());
                   answer(broken ? a_miss(request.action) : missing.status());
                 });
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
    if (!store.open(id).ok())
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

void finish_put(const options_ptr& options, const put_result& request, const reply<unit>& answer) {
  auto store_then_answer = [options, request, answer] {
    const auto status = options->results->put(request.action, *request.result);
    if (!status.ok())
      return answer(status);
    options->meters->result_written();
    answer(unit{});
  };
  if (!in_background(*options->io, io_pool::lane::short_work, std::move(store_then_answer)))
    answer(pool_is_full());
}

void check_and_put(const options_ptr& options, const put_result& request,
                   const reply<unit>& answer) {
  const auto what = "cannot cache the result of action " + request.action.to_string();
  check_complete(
      options, request.action, *request.result, [=](const absl::StatusOr<missing_blobs>& missing) {
        if (!missing.ok())
          return answer(absl::IsNotFound(missing.status()) ? absl::FailedPreconditionError(
                            what + ": " + std::string(missing.status().message()))
                                                           : missing.status());
        if (!missing->digests.empty())
          return answer(missing_blobs_error(what, missing->digests));
        finish_put(options, request, answer);
      });
}

/// On the I/O pool.
void put(const options_ptr& options, const put_result& request, const reply<unit>& answer) {
  auto result = std::make_shared<reapi::ActionResult>(*request.result);
  blobs_stored event;
  if (auto status =
          move_inlined(*options->store, request.action.function(), *result, event.digests);
      !status.ok())
    return answer(status);
  const put_result complete{.trace = {}, .action = request.action, .result = std::move(result)};
  if (event.digests.empty())
    return check_and_put(options, complete, answer);
  caf::anon_send(options->blobs, std::move(event),
                 reply<unit>([=](const absl::StatusOr<unit>& stored) {
                   if (!stored.ok())
                     return answer(stored.status());
                   if (!in_background(*options->io, io_pool::lane::short_work,
                                      [=] { check_and_put(options, complete, answer); }))
                     answer(pool_is_full());
                 }));
}

} // namespace

action_cache_actor::behavior_type
action_cache(traced_pointer<action_cache_actor, action_cache_state> self,
             action_cache_options given) {
  auto options = std::make_shared<const action_cache_options>(std::move(given));
  return traced_behavior(self, action_cache_state::name,
                         action_cache_actor::behavior_type{
                             [options](const get_result& x, const reply<cached_result>& answer) {
                               if (!in_background(*options->io, io_pool::lane::short_work,
                                                  [=] { look_up(options, x, answer); }))
                                 answer(pool_is_full());
                             },
                             [options](const put_result& x, const reply<unit>& answer) {
                               if (!in_background(*options->io, io_pool::lane::short_work,
                                                  [=] { put(options, x, answer); }))
                                 answer(pool_is_full());
                             }});
}

} // namespace expbuild
