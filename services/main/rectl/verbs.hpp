#pragma once
#include "services/main/rectl/client.hpp"

#include <CLI/CLI.hpp>

#include <functional>

/// rectl's verbs, one .cpp each. A verb adds its subcommand and says what to run when it was given.

namespace expbuild::rectl {

/// Exit codes; `exec` returns the command's own beside them.
enum exit_code : int {
  ok = 0,
  failed = 1,
  usage = 2,
  can_not_connect = 3,
  no_access = 4,
  not_found = 5,
  timed_out = 124,
  interrupted = 130
};

/// What NAME of an action may be.
inline constexpr auto name_help = "an operation, an action's hash, an invocation id or a target "
                                  "(the first 6 characters or more), a "
                                  "worker, or the trace id of a line of the log";

/// What stands before the verb.
struct globals {
  client_options connection;
  bool json = false;
};

using verb = std::function<int(const globals&)>;

verb add_status(CLI::App& app);
verb add_capabilities(CLI::App& app);
verb add_conformance(CLI::App& app);
verb add_exec(CLI::App& app);
verb add_trace(CLI::App& app);
verb add_upload(CLI::App& app);
verb add_download(CLI::App& app);
verb add_cat(CLI::App& app);
verb add_purge(CLI::App& app);
verb add_operations(CLI::App& app);
verb add_cancel(CLI::App& app);
verb add_workers(CLI::App& app);
verb add_actions(CLI::App& app);
verb add_show(CLI::App& app);
verb add_explain(CLI::App& app);
verb add_actors(CLI::App& app);
verb add_drain(CLI::App& app);
verb add_undrain(CLI::App& app);
verb add_restart(CLI::App& app);
verb add_bazelrc(CLI::App& app);
verb add_top(CLI::App& app);
verb add_doctor(CLI::App& app);
verb add_completion(CLI::App& app);
verb add_logs(CLI::App& app);
verb add_log_level(CLI::App& app);

/// Prints a message as JSON (protobuf's own mapping, every field) to stdout.
int print_json(const google::protobuf::Message& message);

/// Prints "rectl: MESSAGE" and returns the exit code that fits.
int complain(const absl::Status& status);

} // namespace expbuild::rectl
