#include "services/main/rectl/verbs.hpp"

#include <google/protobuf/util/json_util.h>

#include <iostream>

/// rectl: asks a server, runs commands on it, shows what it did.

namespace expbuild::rectl {

int print_json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok())
    return complain(absl::InternalError("the answer can not be shown as JSON"));
  std::cout << json;
  return ok;
}

int complain(const absl::Status& status) {
  std::cerr << "rectl: " << std::string(status.message()) << "\n";
  switch (status.code()) {
  case absl::StatusCode::kUnavailable:
    return can_not_connect;
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
  app.require_subcommand(1);
  app.fallthrough();
  const std::pair<const char*, verb> verbs[] = {{"status", add_status(app)},
                                                {"capabilities", add_capabilities(app)},
                                                {"exec", add_exec(app)},
                                                {"conformance", add_conformance(app)},
                                                {"trace", add_trace(app)}};
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
