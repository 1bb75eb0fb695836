#include "services/main/rectl/execute.hpp"
#include "services/main/rectl/verbs.hpp"

#include <absl/strings/ascii.h>

#include <iomanip>
#include <iostream>

namespace expbuild::rectl {

namespace {

using google::longrunning::ListOperationsResponse;
using google::longrunning::Operation;

/// Empty while it runs.
std::string end_of(const Operation& operation) {
  reapi::ExecuteResponse response;
  if (!operation.done() || !operation.response().UnpackTo(&response))
    return {};
  if (response.status().code() != 0)
    return absl::StatusCodeToString(static_cast<absl::StatusCode>(response.status().code()));
  return "exit " + std::to_string(response.result().exit_code())
         + (response.cached_result() ? " (cached)" : "");
}

void print(const ListOperationsResponse& all) {
  for (const auto& operation : all.operations()) {
    reapi::ExecuteOperationMetadata metadata;
    operation.metadata().UnpackTo(&metadata);
    const auto stage = absl::AsciiStrToLower(reapi::ExecutionStage::Value_Name(metadata.stage()));
    std::cout << std::left << operation.name() << "  " << std::setw(12) << stage
              << metadata.action_digest().hash().substr(0, 16) << "  " << std::setw(18)
              << metadata.partial_execution_metadata().worker() << end_of(operation) << "\n";
  }
}

int run_operations(const globals& given, const std::string& filter) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  google::longrunning::ListOperationsRequest request;
  request.set_name(given.connection.instance);
  request.set_filter(filter);
  ListOperationsResponse all;
  do {
    ListOperationsResponse page;
    const auto status = from_grpc(
        server.operations->ListOperations(server.new_call().get(), request, &page), "listing");
    if (!status.ok())
      return complain(status);
    request.set_page_token(page.next_page_token());
    if (given.json)
      all.mutable_operations()->MergeFrom(page.operations());
    else
      print(page);
  } while (!request.page_token().empty());
  return given.json ? print_json(all) : ok;
}

int run_cancel(const globals& given, const std::string& operation) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  const auto status = cancel_remote(server, operation);
  return status.ok() ? ok : complain(status);
}

} // namespace

verb add_operations(CLI::App& app) {
  auto* command = app.add_subcommand("operations", "running and lately finished operations");
  auto filter = std::make_shared<std::string>();
  command->add_option("--filter", *filter,
                      "done=true, done=false, stage=QUEUED, stage=EXECUTING, ..., joined by AND");
  return [filter](const globals& given) { return run_operations(given, *filter); };
}

verb add_cancel(CLI::App& app) {
  auto* command = app.add_subcommand("cancel", "end an operation");
  auto operation = std::make_shared<std::string>();
  command->add_option("OPERATION", *operation, "its name, as rectl operations prints it")
      ->required();
  return [operation](const globals& given) { return run_cancel(given, *operation); };
}

} // namespace expbuild::rectl
