#include "services/main/rectl/verbs.hpp"

#include <absl/strings/ascii.h>

#include <iomanip>
#include <iostream>

namespace expbuild::rectl {

namespace {

using admin::v1::Worker;

void print(const Worker& worker) {
  std::cout << std::left << std::setw(20) << worker.name() << std::setw(8) << worker.type()
            << std::setw(13) << absl::AsciiStrToLower(Worker::State_Name(worker.state())) << "pid "
            << std::setw(9) << worker.pid() << "restarts " << std::setw(5) << worker.restarts()
            << worker.action().substr(0, 16);
  if (!worker.image().empty())
    std::cout << "  image " << worker.image();
  if (!worker.last_failure().empty())
    std::cout << "  last failure: " << worker.last_failure();
  std::cout << "\n";
}

int run_workers(const globals& given) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  admin::v1::Status answer;
  const auto status = from_grpc(
      server.admin->GetStatus(server.new_call().get(), admin::v1::GetStatusRequest(), &answer),
      "asking for the workers");
  if (!status.ok())
    return complain(status);
  if (given.json) {
    admin::v1::Workers all;
    *all.mutable_workers() = answer.workers();
    return print_json(all);
  }
  for (const auto& worker : answer.workers())
    print(worker);
  return ok;
}

} // namespace

verb add_workers(CLI::App& app) {
  app.add_subcommand("workers", "every worker: its state and what it runs");
  return run_workers;
}

} // namespace expbuild::rectl
