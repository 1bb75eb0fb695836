#include "services/main/rectl/verbs.hpp"

#include <iostream>

namespace expbuild::rectl {

namespace {

using capabilities_or = absl::StatusOr<reapi::ServerCapabilities>;

capabilities_or ask(client& server) {
  reapi::GetCapabilitiesRequest request;
  request.set_instance_name(server.options().instance);
  reapi::ServerCapabilities answer;
  const auto status =
      from_grpc(server.capabilities->GetCapabilities(server.new_call().get(), request, &answer),
                "asking what the server can do");
  if (!status.ok())
    return status;
  return answer;
}

bool offers_zstd(const reapi::ServerCapabilities& x) {
  for (const auto compressor : x.cache_capabilities().supported_compressors())
    if (compressor == reapi::Compressor::ZSTD)
      return true;
  return false;
}

int run_bazelrc(const globals& given) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  const auto can = ask(server);
  if (!can.ok())
    return complain(can.status());
  const auto address = "grpc://" + given.connection.server;
  const bool executes = can->execution_capabilities().exec_enabled();
  std::cout << "# What rectl bazelrc printed for this server: bazel build --config=remote //...\n";
  const auto say = [](const std::string& flag) { std::cout << "build:remote " << flag << "\n"; };
  say((executes ? "--remote_executor=" : "--remote_cache=") + address);
  if (!given.connection.instance.empty())
    say("--remote_instance_name=" + given.connection.instance);
  if (executes)
    say("--jobs=100");
  say("--remote_timeout=600");
  say("--remote_retries=5");
  if (offers_zstd(*can))
    say("--experimental_remote_cache_compression"); // since Bazel 7 without "experimental"
  return ok;
}

} // namespace

verb add_bazelrc(CLI::App& app) {
  app.add_subcommand("bazelrc", "lines for .bazelrc that use this server");
  return run_bazelrc;
}

} // namespace expbuild::rectl
