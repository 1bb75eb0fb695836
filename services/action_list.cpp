#include "services/action_list.hpp"

#include "actors/platform.hpp"
#include "services/action_messages.hpp"
#include "services/waiting_reason.hpp"

#include <absl/strings/numbers.h>
#include <caf/send.hpp>

#include <map>

namespace expbuild {

namespace {

using admin::v1::ActionList;
using answer_function = std::function<void(absl::StatusOr<ActionList>)>;

constexpr std::size_t usual_page = 50;
constexpr std::size_t largest_page = 500;

/// Indices of those that wait, by what they want.
using waiting_actions = std::map<std::string, std::pair<platform_properties, std::vector<int>>>;

/// Shared by two questions: the last answer completes the page.
struct open_list {
  ActionList list;
  waiting_actions waiting;
  answer_function done;
  std::vector<worker_status> live;
  std::vector<worker_status> all;

  ~open_list() {
    for (const auto& [key, group] : waiting) {
      const auto why = why_it_waits(group.first, live, all);
      for (const auto i : group.second)
        list.mutable_actions(i)->set_waiting_for(why.sentence);
    }
    done(std::move(list));
  }
};

void take_page(const context_ptr& context, const action_page& page, const answer_function& done) {
  auto open = std::make_shared<open_list>();
  open->done = done;
  open->list.set_total(static_cast<std::int64_t>(page.total));
  if (page.next != 0)
    open->list.set_next_page_token(std::to_string(page.next));
  for (const auto& x : page.actions) {
    if (x->stage == execution_stage::queued && x->loaded) {
      auto& [wanted, where] = open->waiting[platform_key(x->loaded->platform)];
      wanted = x->loaded->platform;
      where.push_back(open->list.actions_size());
    }
    *open->list.add_actions() = describe(*x);
  }
  if (open->waiting.empty())
    return;
  caf::anon_send(context->scheduler, get_scheduler_stats{},
                 reply<scheduler_stats>([open](absl::StatusOr<scheduler_stats> x) {
                   if (x.ok())
                     open->live = std::move(x->workers);
                 }));
  caf::anon_send(
      context->supervisor, get_workers{},
      reply<std::vector<worker_status>>([open](absl::StatusOr<std::vector<worker_status>> x) {
        if (x.ok())
          open->all = *std::move(x);
      }));
}

} // namespace

void list_all_actions(const context_ptr& context, const admin::v1::ListActionsRequest& request,
                      answer_function done) {
  const auto filter = action_filter::parse(request.filter());
  if (!filter.ok())
    return done(filter.status());
  std::uint64_t before = 0;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &before))
    return done(absl::InvalidArgumentError("page_token: it is not one of this server's"));
  const auto size =
      request.page_size() > 0 ? static_cast<std::size_t>(request.page_size()) : usual_page;
  caf::anon_send(
      context->recorder,
      list_actions{
          .trace = {}, .filter = *filter, .before = before, .limit = std::min(size, largest_page)},
      reply<action_page>([context, done](const absl::StatusOr<action_page>& page) {
        if (page.ok())
          take_page(context, *page, done);
        else
          done(page.status());
      }));
}

void control_workers(const context_ptr& context, const admin::v1::ControlWorkersRequest& request,
                     std::function<void(absl::StatusOr<admin::v1::ControlWorkersResponse>)> done) {
  using admin::v1::ControlWorkersRequest;
  const std::vector<std::string> names{request.workers().begin(), request.workers().end()};
  auto tell = [names, done](const absl::StatusOr<std::vector<std::string>>& workers) {
    if (!workers.ok())
      return done(workers.status());
    if (workers->empty())
      return done(absl::NotFoundError("no worker that lives is named so: "
                                      + (names.empty() ? std::string("(nothing)") : names.front())
                                      + "; rectl workers lists them"));
    admin::v1::ControlWorkersResponse response;
    *response.mutable_workers() = {workers->begin(), workers->end()};
    done(std::move(response));
  };
  if (request.verb() == ControlWorkersRequest::RESTART)
    return caf::anon_send(context->supervisor, restart_workers{.trace = {}, .names = names},
                          reply<std::vector<std::string>>(std::move(tell)));
  if (request.verb() != ControlWorkersRequest::DRAIN
      && request.verb() != ControlWorkersRequest::UNDRAIN)
    return done(absl::InvalidArgumentError("verb: it must be DRAIN, UNDRAIN or RESTART"));
  caf::anon_send(context->scheduler,
                 drain_workers{.trace = {},
                               .names = names,
                               .drain = request.verb() == ControlWorkersRequest::DRAIN},
                 reply<std::vector<std::string>>(std::move(tell)));
}

} // namespace expbuild
