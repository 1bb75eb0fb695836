#include "services/main/rectl/verbs.hpp"

#include "expbuild/execution/v1/resource_usage.pb.h"

#include <google/protobuf/util/json_util.h>

#include <iostream>

/// rectl: asks a server, runs commands on it, shows what it did.

namespace expbuild::rectl {

int print_json(const google::protobuf::Message& message) {
  execution::v1::ResourceUsage::descriptor(); // results hold one as an Any: it must be linked
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok())
    return complain(
        absl::InternalError("the answer can not be shown as JSON: " + status.ToString()));
  std::cout << json;
  return ok;
}

int complain(const absl::Status& status) {
  std::cerr << "rectl: " << std::string(status.message()) << "\n";
  switch (status.code()) {
  case absl::StatusCode::kUnavailable:
    return can_not_connect;
  case absl::StatusCode::kPermissionDenied:
  case absl::StatusCode::kUnauthenticated:
    return no_access;
  case absl::StatusCode::kNotFound:
    return not_found;
  case absl::StatusCode::kDeadlineExceeded:
    return timed_out;
  default:
    return failed;
  }
}

} // namespace expbuild::rectl

int main(int argc, char** argv) {
  using namespace expbuild::rectl;
  CLI::App app("rectl: talks to an ExpBuild server");
  globals given;
  long timeout = given.connection.timeout.count();
  app.add_option("--server", given.connection.server, "HOST:PORT")->envname("EXPBUILD_SERVER");
  app.add_option("--instance", given.connection.instance, "instance name")
      ->envname("EXPBUILD_INSTANCE");
  app.add_option("--timeout", timeout, "seconds a call may take")->check(CLI::PositiveNumber);
  app.add_flag("--json", given.json, "print JSON");
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no connection, 4 no access, 5 not found,\n"
      "124 timed out, 130 interrupted; exec: the command's own. docs/rectl.md says more.");
  app.require_subcommand(1);
  app.fallthrough();
  const std::pair<const char*, verb> verbs[] = {{"status", add_status(app)},
                                                {"capabilities", add_capabilities(app)},
                                                {"exec", add_exec(app)},
                                                {"conformance", add_conformance(app)},
                                                {"upload", add_upload(app)},
                                                {"download", add_download(app)},
                                                {"cat", add_cat(app)},
                                                {"operations", add_operations(app)},
                                                {"cancel", add_cancel(app)},
                                                {"workers", add_workers(app)},
                                                {"trace", add_trace(app)},
                                                {"purge", add_purge(app)},
                                                {"actions", add_actions(app)},
                                                {"show", add_show(app)},
                                                {"explain", add_explain(app)},
                                                {"actors", add_actors(app)},
                                                {"drain", add_drain(app)},
                                                {"undrain", add_undrain(app)},
                                                {"restart", add_restart(app)},
                                                {"bazelrc", add_bazelrc(app)},
                                                {"top", add_top(app)},
                                                {"doctor", add_doctor(app)},
                                                {"completion", add_completion(app)},
                                                {"logs", add_logs(app)},
                                                {"log-level", add_log_level(app)}};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ok : usage;
  }
  given.connection.timeout = std::chrono::seconds(timeout);
  for (const auto& [name, run] : verbs)
    if (app.got_subcommand(name))
      return run(given);
  return usage;
}
