#include "services/main/rectl/table.hpp"
#include "services/main/rectl/verbs.hpp"

#include <iostream>

namespace expbuild::rectl {

namespace {

using admin::v1::ControlWorkersRequest;

int run_control(const globals& given, ControlWorkersRequest::Verb what,
                const std::vector<std::string>& workers) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  ControlWorkersRequest request;
  request.set_verb(what);
  *request.mutable_workers() = {workers.begin(), workers.end()};
  admin::v1::ControlWorkersResponse answer;
  const auto status =
      from_grpc(server.admin->ControlWorkers(server.new_call().get(), request, &answer),
                "controlling workers");
  if (!status.ok())
    return complain(status);
  if (given.json)
    return print_json(answer);
  for (const auto& name : answer.workers())
    std::cout << name << "\n";
  return ok;
}

verb add_control(CLI::App& app, const char* name, const char* does,
                 ControlWorkersRequest::Verb what) {
  auto* command = app.add_subcommand(name, does);
  auto workers = std::make_shared<std::vector<std::string>>();
  command->add_option("WORKER", *workers, "names; 'host-*' is all that begin so")->required();
  return [workers, what](const globals& given) { return run_control(given, what, *workers); };
}

int run_actors(const globals& given) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  admin::v1::ActorList answer;
  const auto status = from_grpc(
      server.admin->GetActors(server.new_call().get(), admin::v1::GetActorsRequest(), &answer),
      "asking for the actors");
  if (!status.ok())
    return complain(status);
  if (given.json)
    return print_json(answer);
  table rows({"actor", "state", "waiting", "most", "handled", "handling", "longest wait",
              "restarts", "last exit"});
  for (const auto& x : answer.actors())
    rows.add({(x.parent().empty() ? "" : "  ") + x.name()
                  + (x.count() > 1 ? " x" + std::to_string(x.count()) : ""),
              x.state(), std::to_string(x.mailbox()), std::to_string(x.mailbox_peak()),
              std::to_string(x.handled()), duration_text(x.handling()),
              duration_text(x.longest_wait()), std::to_string(x.restarts()), x.last_exit()});
  rows.print();
  return ok;
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
