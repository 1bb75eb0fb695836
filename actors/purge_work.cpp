#include "actors/purge_work.hpp"

#include "actors/background.hpp"
#include "actors/log.hpp"
#include "storage/result_purge.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

constexpr std::size_t looked_at_once = 256;

spdlog::logger& logger() {
  static auto& instance = log_of("action_cache");
  return instance;
}

/// One purge on its way through the pool.
struct running_purge {
  purge_place where;
  purge_results request;
  result_purge work;
  reply<purge_report> answer;
};
using purge_ptr = std::shared_ptr<running_purge>;

std::string progress_of(const running_purge& x) {
  const auto& report = x.work.report();
  return "looked at " + std::to_string(report.looked_at) + " results, "
         + std::to_string(report.matched) + " fit, " + std::to_string(report.removed)
         + " are removed";
}

absl::Status with_progress(const running_purge& x, const absl::Status& why) {
  return absl::Status(why.code(), "the purge of the action cache ended early ("
                                      + std::string(why.message()) + "): " + progress_of(x));
}

void finish(const running_purge& x, std::vector<digest> removed, absl::Status status) {
  if (x.work.report().removed > 0)
    status.Update(x.where.results->flush());
  logger().info("{} of results{}: {}", x.request.dry_run ? "dry run of a purge" : "purge",
                status.ok() ? "" : " ended early", progress_of(x));
  caf::anon_send(x.where.cache, // before the answer: who asks next does not find them
                 results_removed{.trace = {}, .actions = std::move(removed), .over = true});
  if (status.ok())
    x.answer(x.work.report());
  else
    x.answer(with_progress(x, status));
}

void post_next(const purge_ptr& x);

/// On the I/O pool.
void go_on(const purge_ptr& x) {
  const auto& given_up = x->request.given_up;
  if (given_up && *given_up)
    return finish(*x, {}, absl::CancelledError("nobody waits for it any more"));
  std::vector<digest> removed;
  const auto status = x->work.step(looked_at_once, removed);
  if (!status.ok() || x->work.is_over())
    return finish(*x, std::move(removed), status);
  if (!removed.empty())
    caf::anon_send(x->where.cache, results_removed{.trace = {}, .actions = std::move(removed)});
  post_next(x);
}

void post_next(const purge_ptr& x) {
  if (!in_background(*x->where.io, io_pool::lane::long_work, [x] { go_on(x); }))
    finish(*x, {}, pool_is_full());
}

} // namespace

void run_purge(const purge_place& where, const purge_results& request, store_seconds now,
               const reply<purge_report>& answer) {
  post_next(std::make_shared<running_purge>(running_purge{
      where, request, result_purge(where.results, request.filter, request.dry_run, now), answer}));
}

} // namespace expbuild
