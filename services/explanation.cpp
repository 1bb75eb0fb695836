#include "services/explanation.hpp"

#include "actors/action_loader.hpp"
#include "services/action_difference.hpp"
#include "services/action_messages.hpp"
#include "services/pool_work.hpp"
#include "services/waiting_reason.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

using admin::v1::Explanation;
using loaded_or = absl::StatusOr<std::shared_ptr<const loaded_action>>;

constexpr std::size_t most_differences = 100;

/// Asked again for an action that has ended: whatever its timeout was, it is no question any more.
loaded_or load(const service_context& context, const digest& id) {
  return load_action(*context.store, id, {.max_timeout = std::chrono::hours(24 * 365 * 100)});
}

/// Gathers, one answer after the other; kept alive by the callback it waits for.
class explaining : public std::enable_shared_from_this<explaining> {
public:
  explaining(context_ptr context, action_snapshot action, std::function<void(explained)> done)
      : context_(std::move(context)), action_(std::move(action)), done_(std::move(done)) {}

  void begin() {
    caf::anon_send(
        context_->scheduler, get_scheduler_stats{},
        reply<scheduler_stats>([me = shared_from_this()](absl::StatusOr<scheduler_stats> x) {
          if (x.ok())
            me->live_ = std::move(x->workers);
          me->ask_supervisor();
        }));
  }

private:
  void ask_supervisor() {
    caf::anon_send(context_->supervisor, get_workers{},
                   reply<std::vector<worker_status>>(
                       [me = shared_from_this()](absl::StatusOr<std::vector<worker_status>> x) {
                         if (x.ok())
                           me->all_ = *std::move(x);
                         me->compose_in_pool();
                       }));
  }

  void compose_in_pool() {
    if (!post_work(*context_, io_pool::lane::short_work,
                   [me = shared_from_this()] { me->compose(); }))
      done_(pool_is_full());
  }

  void compose() {
    const auto& x = *action_;
    loaded_ = x.loaded ? loaded_or(x.loaded) : load(*context_, x.action);
    told_.set_operation_name(x.operations.front());
    told_.set_action_digest(x.action.to_string());
    explain_waiting();
    for (auto& words : failure_words(x))
      told_.add_why_failed(std::move(words));
    explain_cache();
    compare();
    told_.set_summary(summary());
    done_(std::move(told_));
  }

  void explain_waiting() {
    const bool refused =
        action_->outcome == action_outcome::rejected && absl::IsFailedPrecondition(action_->status);
    if (action_->stage != execution_stage::queued && !refused)
      return;
    if (!loaded_.ok())
      return;
    const auto reason = why_it_waits((*loaded_)->platform, live_, all_);
    for (const auto& mismatch : reason.mismatches)
      *told_.add_mismatches() = mismatch;
    if (action_->stage != execution_stage::queued)
      return;
    told_.add_why_waiting(reason.sentence);
    if (!reason.next_step.empty())
      told_.add_why_waiting(reason.next_step);
    for (const auto& lost : action_->lost)
      told_.add_why_waiting(lost.worker
                            + " died while it ran it, and it was queued again: " + lost.why);
  }

  void explain_cache() {
    const auto& x = *action_;
    if (!x.why_not_cached.empty())
      told_.add_why_not_cached(x.why_not_cached);
    if (x.outcome == action_outcome::nonzero)
      told_.add_why_not_cached(
          "and its own result was not cached, since only exit code 0 is: the next one runs, too");
  }

  /// With whatever made the same outputs before.
  void compare() {
    if (!action_->before || action_->why_not_cached.empty())
      return;
    told_.set_compared_with(action_->before->to_string());
    if (*action_->before == action_->action)
      return told_.add_why_not_cached(
          "the very same action ran before: its result was not cached, or is gone");
    const auto before = load(*context_, *action_->before);
    if (!before.ok() || !loaded_.ok())
      return told_.add_why_not_cached("how it differs from the action that ran before can not be "
                                      "told: one of them is no longer stored");
    compare_actions(*context_->store, **before, **loaded_, most_differences, told_);
    if (told_.differences_size() > 0) {
      const auto& first = told_.differences(0);
      told_.add_why_not_cached(
          "since the action of the same outputs before it, " + first.what() + " " + first.name()
          + " has changed"
          + (told_.differences_size() == 1
                 ? std::string()
                 : ", and " + std::to_string(told_.differences_size() - 1) + " other thing(s)"));
    }
  }

  std::string summary() const {
    if (told_.why_waiting_size() > 0)
      return "waits: " + told_.why_waiting(0);
    if (told_.why_failed_size() > 0)
      return "failed: " + told_.why_failed(0);
    if (action_->is_live())
      return "is " + std::string(to_string(action_->stage))
             + (action_->worker.empty() ? "" : " on " + action_->worker);
    if (action_->outcome == action_outcome::cache_hit)
      return "was answered from the action cache";
    return "ran well on " + action_->worker;
  }

  const context_ptr context_;
  const action_snapshot action_;
  const std::function<void(explained)> done_;
  loaded_or loaded_ = absl::NotFoundError("not read");
  std::vector<worker_status> live_;
  std::vector<worker_status> all_;
  Explanation told_;
};

} // namespace

void explain(const context_ptr& context, action_snapshot action,
             std::function<void(explained)> done) {
  std::make_shared<explaining>(context, std::move(action), std::move(done))->begin();
}

void explain(const context_ptr& context, const std::string& query,
             std::function<void(explained)> done) {
  caf::anon_send(context->recorder, find_action{.trace = {}, .query = query},
                 reply<action_snapshot>([context, done](absl::StatusOr<action_snapshot> x) {
                   if (x.ok())
                     explain(context, *std::move(x), done);
                   else
                     done(x.status());
                 }));
}

void explain_difference(const context_ptr& context, const std::string& a, const std::string& b,
                        std::function<void(explained)> done) {
  auto compare = [context, done](const action_snapshot& before, const action_snapshot& after) {
    auto work = [context, done, before, after] {
      const auto first = load(*context, before->action);
      const auto second = load(*context, after->action);
      if (!first.ok() || !second.ok())
        return done(first.ok() ? second.status() : first.status());
      Explanation told;
      told.set_operation_name(after->operations.front());
      told.set_action_digest(after->action.to_string());
      told.set_compared_with(before->action.to_string());
      compare_actions(*context->store, **first, **second, most_differences, told);
      told.set_summary(told.differences_size() == 0
                           ? std::string("they do not differ")
                           : "they differ in " + std::to_string(told.differences_size())
                                 + " thing(s)");
      done(std::move(told));
    };
    if (!post_work(*context, io_pool::lane::short_work, std::move(work)))
      done(pool_is_full());
  };
  auto find = [context](const std::string& query,
                        std::function<void(absl::StatusOr<action_snapshot>)> then) {
    caf::anon_send(context->recorder, find_action{.trace = {}, .query = query},
                   reply<action_snapshot>(std::move(then)));
  };
  find(a, [=](absl::StatusOr<action_snapshot> before) {
    if (!before.ok())
      return done(before.status());
    find(b, [=, before = *std::move(before)](const absl::StatusOr<action_snapshot>& after) {
      if (after.ok())
        compare(before, *after);
      else
        done(after.status());
    });
  });
}

} // namespace expbuild
