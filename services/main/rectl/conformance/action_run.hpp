#pragma once
#include "services/main/rectl/conformance/subject.hpp"

#include <functional>

/// Making actions and running them. What they need is a Linux worker with /bin/sh.

namespace expbuild::conformance {

using google::longrunning::Operation;

/// /bin/sh -c SCRIPT with a PATH, and no outputs but its stdout and stderr.
reapi::Command shell(const std::string& script);
/// As `shell`, with these output_paths.
reapi::Command shell(const std::string& script, const std::vector<std::string>& output_paths);

/// Prints a text that is different at every run.
inline constexpr char print_uuid[] = "cat /proc/sys/kernel/random/uuid";

/// Stores Command, root and Action; the Action has a salt, so that nothing about it is cached.
/// `change` sees the Action before it is stored.
digest store_action(subject& s, const reapi::Command& command, const reapi::Directory& root = {},
                    const std::function<void(reapi::Action&)>& change = {});

using request_change = std::function<void(reapi::ExecuteRequest&)>;

/// What a stream of Operations told.
struct outcome {
  grpc::Status status; ///< of the stream
  std::vector<Operation> operations;

  bool done() const { return !operations.empty() && operations.back().done(); }
  /// Throws `broken` when the stream did not end with a response.
  reapi::ExecuteResponse response() const;
  /// Where an error may stand: in the stream's status or in the response's.
  grpc::Status trouble() const;
};

/// Execute or WaitExecution, message by message.
class execution {
public:
  execution(subject& s, const digest& action, const request_change& change = {});
  /// WaitExecution.
  execution(subject& s, const std::string& operation);
  ~execution(); ///< cancels what is not finished

  /// The next message; throws `broken` when there is none.
  Operation next();
  /// The first that is not done yet and says EXECUTING.
  Operation until_executing();
  /// Reads to the end.
  outcome finish();
  /// The client vanishes.
  void abandon();

private:
  std::unique_ptr<grpc::ClientContext> call_;
  std::unique_ptr<grpc::ClientReader<Operation>> stream_;
  outcome so_far_;
  bool finished_ = false;
};

outcome execute(subject& s, const digest& action, const request_change& change = {});
/// Throws `broken` unless the command ran and returned 0.
reapi::ExecuteResponse run(subject& s, const digest& action, const request_change& change = {});
reapi::ActionResult run(subject& s, const reapi::Command& command,
                        const reapi::Directory& root = {});

/// What a result's command printed, inlined or from the CAS.
std::string stdout_of(subject& s, const reapi::ActionResult& result);
std::string stderr_of(subject& s, const reapi::ActionResult& result);
/// Runs a script; what it printed.
std::string output_of(subject& s, const reapi::Command& command, const reapi::Directory& root = {});

reapi::ExecuteOperationMetadata metadata_of(const Operation& x);

/// A file of a Directory, stored.
void add_file(subject& s, reapi::Directory& to, const std::string& name, const std::string& bytes,
              bool executable = false);
void add_directory(subject& s, reapi::Directory& to, const std::string& name,
                   const reapi::Directory& child);
void add_symlink(reapi::Directory& to, const std::string& name, const std::string& target);

} // namespace expbuild::conformance
