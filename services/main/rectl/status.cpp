#include "services/main/rectl/ask.hpp"
#include "services/main/rectl/progress.hpp"
#include "services/main/rectl/table.hpp"

#include <iomanip>
#include <iostream>

namespace expbuild::rectl {

namespace {

using admin::v1::Worker;

std::string state_of(const Worker& worker) {
  auto text = Worker::State_Name(worker.state());
  for (auto& c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

void print(const admin::v1::Status& status) {
  std::cout << "ExpBuild " << status.version() << ", instance '" << status.instance_name() << "'\n"
            << "actions   " << status.queued_actions() << " queued, " << status.running_actions()
            << " running, " << status.completed_actions() << " completed, "
            << status.failed_actions() << " failed, " << status.cached_actions() << " from cache\n"
            << "blobs     " << status.stored_blobs() << ", " << status.cas().evicted_blobs()
            << " evicted" << (status.cas().index_complete() ? "" : " (still counting)") << "\n"
            << "storage   " << size_text(status.cas().used_bytes()) << " of "
            << size_text(status.cas().max_bytes()) << " used, "
            << size_text(status.cas().promised_bytes()) << " promised\n"
            << "workers   " << status.workers_size() << "\n";
  for (const auto& x : status.problems())
    std::cout << coloured("problem   ", colour::bad) << x.what() << "\n          " << x.next_step()
              << "\n";
  for (const auto& worker : status.workers()) {
    std::cout << "  " << std::left << std::setw(20) << worker.name() << std::setw(12)
              << state_of(worker) << "restarts " << worker.restarts();
    if (!worker.action().empty())
      std::cout << "  running " << worker.action().substr(0, 16);
    if (!worker.last_failure().empty())
      std::cout << "  last failure: " << worker.last_failure();
    std::cout << "\n";
  }
}

int run_status(const globals& given, long wait) {
  return ask(given, &client::admin, &admin::v1::Admin::Stub::GetStatus,
             admin::v1::GetStatusRequest(), "asking for the status", print,
             std::chrono::seconds(wait));
}

} // namespace

verb add_status(CLI::App& app) {
  auto* command = app.add_subcommand("status", "the server at a glance");
  auto wait = std::make_shared<long>(5);
  command->add_option("--wait", *wait, "seconds to wait until it serves")
      ->check(CLI::PositiveNumber);
  return [wait](const globals& given) { return run_status(given, *wait); };
}

} // namespace expbuild::rectl
