#include "services/main/rectl/download.hpp"
#include "services/main/rectl/execute.hpp"
#include "services/main/rectl/signals.hpp"
#include "services/main/rectl/upload.hpp"
#include "services/main/rectl/verbs.hpp"
#include "storage/posix.hpp"

#include <atomic>
#include <csignal>
#include <iostream>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace expbuild::rectl {

namespace {

struct exec_request {
  std::string input;
  std::vector<std::string> outputs;
  std::vector<std::string> environment;
  std::vector<std::string> platform;
  std::string working_directory;
  std::string download = ".";
  std::string mnemonic;
  std::string target;
  double timeout = 0;
  bool skip_cache = false;
  bool do_not_cache = false;
  bool verbose = false;
  std::vector<std::string> command;
};

/// The first Ctrl-C cancels the operation on the server, the second leaves at once.
class interrupt_watch {
public:
  /// `signals` must be blocked in every thread.
  interrupt_watch(client& server, const sigset_t& signals) : server_(server), signals_(signals) {
    thread_ = std::thread([this] { run(); });
  }

  ~interrupt_watch() {
    ::pthread_kill(thread_.native_handle(), SIGUSR1); // wakes it up to end
    thread_.join();
  }

  /// True the first time.
  bool watch(const std::string& operation) {
    const std::lock_guard lock(guard_);
    const bool is_new = operation_.empty();
    operation_ = operation;
    return is_new;
  }

  bool interrupted() const { return interrupted_; }

private:
  void run() {
    for (int signal = 0; ::sigwait(&signals_, &signal) == 0 && signal != SIGUSR1;) {
      if (interrupted_.exchange(true))
        ::_exit(exit_code::interrupted);
      std::cerr << "rectl: cancelling (again to leave at once)\n";
      const std::lock_guard lock(guard_);
      if (operation_.empty())
        ::_exit(exit_code::interrupted); // nothing runs yet
      cancel_remote(server_, operation_).IgnoreError();
    }
  }

  client& server_;
  const sigset_t signals_;
  std::mutex guard_;
  std::string operation_;
  std::atomic<bool> interrupted_{false};
  std::thread thread_;
};

absl::StatusOr<std::pair<std::string, std::string>> split_pair(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return absl::InvalidArgumentError("'" + text + "' is no NAME=VALUE");
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

template <class Add>
absl::Status add_pairs(const std::vector<std::string>& texts, Add add) {
  for (const auto& text : texts) {
    const auto pair = split_pair(text);
    if (!pair.ok())
      return pair.status();
    auto& x = add();
    x.set_name(pair->first);
    x.set_value(pair->second);
  }
  return absl::OkStatus();
}

absl::StatusOr<digest> make_action(const exec_request& request, upload_set& blobs) {
  reapi::Command command;
  for (const auto& x : request.command)
    command.add_arguments(x);
  for (const auto& x : request.outputs)
    command.add_output_paths(x);
  command.set_working_directory(request.working_directory);
  reapi::Action action;
  auto status = add_pairs(
      request.environment, [&]() -> auto& { return *command.add_environment_variables(); });
  status.Update(add_pairs(
      request.platform, [&]() -> auto& { return *action.mutable_platform()->add_properties(); }));
  if (!status.ok())
    return status;
  const auto root =
      request.input.empty() ? absl::StatusOr<digest>(digest()) : blobs.add_directory(request.input);
  if (!root.ok())
    return root.status();
  *action.mutable_input_root_digest() = root->to_proto();
  *action.mutable_command_digest() = blobs.add(command.SerializeAsString()).to_proto();
  action.set_do_not_cache(request.do_not_cache);
  if (request.timeout > 0) {
    action.mutable_timeout()->set_seconds(static_cast<std::int64_t>(request.timeout));
    action.mutable_timeout()->set_nanos(static_cast<std::int32_t>(
        (request.timeout - static_cast<double>(action.timeout().seconds())) * 1e9));
  }
  return blobs.add(action.SerializeAsString());
}

absl::Status show(client& server, const std::string& inlined, const reapi::Digest& wire, int fd) {
  if (!inlined.empty())
    return write_all(fd, inlined, "printing");
  const auto id = digest::from_proto(wire, digest_function::sha256);
  if (!id.ok() || id->is_empty_blob())
    return absl::OkStatus();
  return read_remote(server, *id,
                     [fd](std::string_view bytes) { return write_all(fd, bytes, "printing"); });
}

absl::Status show_output(client& server, const reapi::ActionResult& result) {
  auto status = show(server, result.stdout_raw(), result.stdout_digest(), STDOUT_FILENO);
  status.Update(show(server, result.stderr_raw(), result.stderr_digest(), STDERR_FILENO));
  return status;
}

int finish(client& server, const reapi::ExecuteResponse& response, const exec_request& request) {
  if (auto status = show_output(server, response.result()); !status.ok())
    return complain(status);
  if (response.status().code() != 0)
    return complain(absl::Status(static_cast<absl::StatusCode>(response.status().code()),
                                 response.status().message()));
  if (auto status = download_outputs(server, response.result(), request.download); !status.ok())
    return complain(status);
  return response.result().exit_code();
}

int run_exec(const globals& given, const exec_request& request) {
  const auto signals = block_signals();
  auto connection = given.connection;
  connection.mnemonic = request.mnemonic;
  connection.target = request.target;
  client server(connection);
  interrupt_watch interrupts(server, signals);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  upload_set blobs;
  const auto action = make_action(request, blobs);
  if (!action.ok())
    return complain(action.status());
  if (auto status = blobs.send(server); !status.ok())
    return complain(status);
  execute_options options;
  options.skip_cache_lookup = request.skip_cache;
  options.progress = [&](const std::string& operation, reapi::ExecutionStage::Value) {
    if (interrupts.watch(operation) && request.verbose)
      std::cerr << "operation " << operation << "\n";
  };
  const auto response = execute_remote(server, *action, options);
  if (interrupts.interrupted())
    return exit_code::interrupted;
  if (!response.ok())
    return complain(response.status());
  return finish(server, *response, request);
}

} // namespace

verb add_exec(CLI::App& app) {
  auto* command =
      app.add_subcommand("exec", "run a command on the server: rectl exec [...] -- CMD...");
  auto x = std::make_shared<exec_request>();
  command->add_option("--input", x->input, "folder that becomes the input root")
      ->check(CLI::ExistingDirectory);
  command->add_option("--output", x->outputs, "path of an output; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--env", x->environment, "NAME=VALUE; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--platform", x->platform, "NAME=VALUE; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--workdir", x->working_directory, "where in the input root it runs");
  command->add_option("--download", x->download, "folder for the outputs (default: here)");
  command->add_option("--action-timeout", x->timeout, "seconds the command may take");
  command->add_option("--mnemonic", x->mnemonic, "what rectl purge, trace and the log call it");
  command->add_option("--target", x->target, "the same");
  command->add_flag("--skip-cache", x->skip_cache, "run it even if its result is cached");
  command->add_flag("--do-not-cache", x->do_not_cache, "neither cache nor share its result");
  command->add_flag("-v,--verbose", x->verbose,
                    "print the operation's name, as rectl trace wants it");
  command->add_option("CMD", x->command, "the command and its arguments, after --")->required();
  return [x](const globals& given) { return run_exec(given, *x); };
}

} // namespace expbuild::rectl
