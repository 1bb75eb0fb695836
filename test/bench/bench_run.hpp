#pragma once
#include "services/main/rectl/client.hpp"
#include "test/bench/measure.hpp"
#include "test/bench/server_process.hpp"

namespace expbuild::bench {

/// A client and what it measures: rows of the table, each with the limit of the same run.
class table {
public:
  /// `limit` 0: the row stands for itself.
  const sample& add(sample x, double limit = 0, const std::string& name = {});
  /// A remark that stands below the table.
  void remark(std::string text) { remarks_.push_back(std::move(text)); }
  void print() const;

private:
  std::vector<sample> rows_;
  std::vector<std::string> remarks_;
};

/// Ends the program: a measurement of what failed is worth nothing.
void must(const absl::Status& status);

client connect(const std::string& address);

/// CPU of this process and its children: for limits that need no server.
double own_cpu();

/// Stores an action that runs /bin/true and that nobody has run yet.
digest new_true_action(client& on, bool do_not_cache);

void execute(client& on, const digest& action);

/// What is measured, one file each.
void measure_actions(table& rows, const std::filesystem::path& re_server);
void measure_staging(table& rows, const std::filesystem::path& re_server);
void measure_calls(table& rows, const server_process& server, const child_process& limits,
                   const std::string& limits_address);
void measure_streams(table& rows, const server_process& server, const child_process& limits,
                     const std::string& limits_address);
void measure_blobs(table& rows, const std::filesystem::path& re_server);
void measure_compression(table& rows, const std::filesystem::path& re_server);
/// Stores so many millions of blobs, then starts on them.
void measure_restart(table& rows, const std::filesystem::path& re_server, std::size_t millions);
/// Needs the test engine; tells when there is none.
void measure_docker(table& rows, const std::filesystem::path& re_server);
/// What the message trace costs: a record, a message, actions with it and without it.
void measure_trace(table& rows, const std::filesystem::path& re_server);
void measure_idle(table& rows, const std::filesystem::path& re_server);

} // namespace expbuild::bench
