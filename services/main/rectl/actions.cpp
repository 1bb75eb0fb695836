#include "services/json.hpp"
#include "services/main/rectl/ask.hpp"
#include "services/main/rectl/table.hpp"

#include <csignal>
#include <iostream>

namespace expbuild::rectl {

namespace {

using admin::v1::Action;
using admin::v1::ActionList;

constexpr std::size_t shown_of_a_hash = 16;

struct choice {
  std::string filter;
  int limit = 50;
  bool follow = false;
};

std::string outcome_text(const Action& x) {
  if (x.outcome().empty())
    return coloured(x.stage(), colour::doubtful);
  if (x.outcome() == "success" || x.outcome() == "cache_hit")
    return coloured(x.outcome(), colour::good);
  if (x.outcome() == "nonzero")
    return coloured("exit " + std::to_string(x.exit_code()), colour::bad);
  return coloured(x.outcome(), colour::bad);
}

std::string time_text(const Action& x) {
  return duration_text(seconds_between(x.began_at(), x.has_ended_at() ? x.ended_at() : now()));
}

std::vector<std::string> row_of(const Action& x) {
  const auto more = !x.waiting_for().empty() ? x.waiting_for()
                    : x.outcome() == "infra_error" || x.outcome() == "rejected"
                        ? x.message().substr(0, 120)
                        : std::string();
  return {x.action_digest().substr(0, shown_of_a_hash),
          outcome_text(x),
          time_text(x),
          x.worker(),
          x.action_mnemonic(),
          x.target_id() + (more.empty() ? "" : "  " + coloured(more, colour::faint))};
}

absl::StatusOr<ActionList> list(client& server, const choice& given) {
  admin::v1::ListActionsRequest request;
  request.set_filter(given.filter);
  ActionList all;
  do {
    request.set_page_size(given.limit - all.actions_size());
    ActionList page;
    auto status = from_grpc(server.admin->ListActions(server.new_call().get(), request, &page),
                            "listing actions");
    if (!status.ok())
      return status;
    all.mutable_actions()->MergeFrom(page.actions());
    all.set_total(page.total());
    request.set_page_token(page.next_page_token());
    all.set_next_page_token(page.next_page_token());
  } while (!request.page_token().empty() && all.actions_size() < given.limit);
  return all;
}

/// One line for each action that ends, until Ctrl-C.
int follow(client& server, const globals& given) {
  admin::v1::WatchRequest request;
  request.set_actions(true);
  const auto call = server.new_long_call();
  const auto events = server.admin->Watch(call.get(), request);
  admin::v1::WatchEvent event;
  while (events->Read(&event)) {
    if (event.has_lost())
      std::cerr << "rectl: " << event.lost().events() << " events were left out\n";
    if (!event.has_action() || event.action().outcome().empty())
      continue;
    if (given.json) {
      std::cout << to_json(event.action(), json_form::one_line) << std::endl;
      continue;
    }
    for (const auto& cell : row_of(event.action()))
      std::cout << cell << "  ";
    std::cout << std::endl;
  }
  const auto status = from_grpc(events->Finish(), "watching actions");
  return status.ok() ? ok : complain(status);
}

int run_actions(const globals& given, const choice& wanted) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  if (wanted.follow)
    return follow(server, given);
  const auto all = list(server, wanted);
  if (!all.ok())
    return complain(all.status());
  if (given.json)
    return print_json(*all);
  table rows({"action", "outcome", "took", "worker", "mnemonic", "target"});
  for (const auto& x : all->actions())
    rows.add(row_of(x));
  rows.print();
  if (all->total() > all->actions_size())
    std::cerr << all->actions_size() << " of " << all->total() << " actions; --limit shows more\n";
  return ok;
}

std::string command_line(const admin::v1::ActionDetails& x) {
  std::string text;
  for (const auto& argument : x.arguments())
    text += (text.empty() ? "" : " ") + argument;
  return text;
}

void print_stage(const char* name, bool has, const admin::v1::Stage& x) {
  if (has && x.has_to())
    std::cout << "  " << name << " " << duration_text(seconds_between(x.from(), x.to()));
}

void print_details(const admin::v1::ActionDetails& x) {
  const auto& action = x.action();
  std::cout << "action      " << action.action_digest() << "\noperation   "
            << action.operation_name() << "\noutcome     " << outcome_text(action) << ", "
            << x.explanation().summary() << "\n";
  for (const auto& [name, value] :
       {std::pair{"target      ", action.target_id()},
        std::pair{"mnemonic    ", action.action_mnemonic()},
        std::pair{"invocation  ", action.invocation_id()},
        std::pair{"worker      ", action.worker()}, std::pair{"command     ", command_line(x)},
        std::pair{"in          ", x.working_directory()},
        std::pair{"inputs      ", x.input_root_digest()},
        std::pair{"stdout      ", x.stdout_digest()}, std::pair{"stderr      ", x.stderr_digest()}})
    if (!value.empty())
      std::cout << name << value << "\n";
  std::cout << "took        " << time_text(action);
  print_stage("queued", action.has_queued(), action.queued());
  print_stage("staged", action.has_fetched(), action.fetched());
  print_stage("ran", action.has_executed(), action.executed());
  print_stage("stored", action.has_uploaded(), action.uploaded());
  std::cout << "\n";
  for (const auto& p : x.platform())
    std::cout << "platform    " << p.name() << "=" << p.value() << "\n";
  for (const auto& lost : x.lost_attempts())
    std::cout << "lost        " << lost.worker() << ": " << lost.why() << "\n";
  for (const auto& output : x.outputs())
    std::cout << "output      " << output.path() << "  "
              << (output.missing() ? coloured("was not made", colour::bad) : output.digest())
              << "\n";
  for (const auto& note : x.notes())
    std::cout << "note        " << note << "\n";
}

int run_show(const globals& given, const std::string& query) {
  admin::v1::GetActionRequest request;
  request.set_query(query);
  return ask_admin(given, &admin::v1::Admin::Stub::GetAction, request, "asking for the action",
                   print_details);
}

} // namespace

verb add_actions(CLI::App& app) {
  auto* command = app.add_subcommand("actions", "live actions and those that ended lately");
  auto given = std::make_shared<choice>();
  command->add_option("FILTER", given->filter,
                      "terms that must all fit: state=live|done, outcome=..., failed, "
                      "slow=SECONDS, target=, mnemonic=, invocation=, worker=, tool=, digest=, or "
                      "any text; several in quotes");
  command->add_option("--limit", given->limit, "at most so many")->check(CLI::Range(1, 100'000));
  command->add_flag("-f,--follow", given->follow, "print each action when it ends");
  return [given](const globals& all) { return run_actions(all, *given); };
}

verb add_show(CLI::App& app) {
  auto* command = app.add_subcommand("show", "everything that is known of one action");
  auto query = std::make_shared<std::string>();
  command->add_option("NAME", *query, name_help)->required();
  return [query](const globals& given) { return run_show(given, *query); };
}

} // namespace expbuild::rectl
