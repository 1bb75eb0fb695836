#include "services/main/rectl/ask.hpp"
#include "services/main/rectl/table.hpp"

#include <iostream>

namespace expbuild::rectl {

namespace {

using admin::v1::ControlWorkersRequest;

int run_control(const globals& given, ControlWorkersRequest::Verb what,
                const std::vector<std::string>& workers) {
  ControlWorkersRequest request;
  request.set_verb(what);
  *request.mutable_workers() = {workers.begin(), workers.end()};
  return ask_admin(given, &admin::v1::Admin::Stub::ControlWorkers, request, "controlling workers",
                   [](const admin::v1::ControlWorkersResponse& answer) {
                     for (const auto& name : answer.workers())
                       std::cout << name << "\n";
                   });
}

verb add_control(CLI::App& app, const char* name, const char* does,
                 ControlWorkersRequest::Verb what) {
  auto* command = app.add_subcommand(name, does);
  auto workers = std::make_shared<std::vector<std::string>>();
  command->add_option("WORKER", *workers, "names; 'host-*' is all that begin so")->required();
  return [workers, what](const globals& given) { return run_control(given, what, *workers); };
}

void print_actors(const admin::v1::ActorList& answer) {
  table rows({"actor", "state", "waiting", "most", "handled", "handling", "longest wait",
              "restarts", "last exit"});
  for (const auto& x : answer.actors())
    rows.add({(x.parent().empty() ? "" : "  ") + x.name()
                  + (x.count() > 1 ? " x" + std::to_string(x.count()) : ""),
              x.state(), std::to_string(x.mailbox()), std::to_string(x.mailbox_peak()),
              std::to_string(x.handled()), duration_text(x.handling()),
              duration_text(x.longest_wait()), std::to_string(x.restarts()), x.last_exit()});
  rows.print();
}

int run_actors(const globals& given) {
  return ask_admin(given, &admin::v1::Admin::Stub::GetActors, admin::v1::GetActorsRequest(),
                   "asking for the actors", print_actors);
}

} // namespace

verb add_drain(CLI::App& app) {
  return add_control(app, "drain", "workers finish what they do and take nothing more",
                     ControlWorkersRequest::DRAIN);
}

verb add_undrain(CLI::App& app) {
  return add_control(app, "undrain", "drained workers take actions again",
                     ControlWorkersRequest::UNDRAIN);
}

verb add_restart(CLI::App& app) {
  return add_control(app, "restart", "restart workers now; what they run is queued again",
                     ControlWorkersRequest::RESTART);
}

verb add_actors(CLI::App& app) {
  app.add_subcommand("actors", "every actor: mailbox, handling time, restarts");
  return run_actors;
}

} // namespace expbuild::rectl
