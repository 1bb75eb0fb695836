#include "services/main/rectl/execute.hpp"
#include "services/main/rectl/table.hpp"
#include "services/main/rectl/upload.hpp"
#include "services/main/rectl/verbs.hpp"

#include <cmath>
#include <iostream>
#include <unistd.h>

namespace expbuild::rectl {

namespace {

/// Says what was looked at, and remembers whether all of it is well.
class report {
public:
  void good(const std::string& what) {
    std::cout << coloured("ok    ", colour::good) << what << "\n";
  }
  void bad(const std::string& what, const std::string& next_step) {
    failed_ = true;
    std::cout << coloured("wrong ", colour::bad) << what << "\n      " << next_step << "\n";
  }
  void note(const std::string& what, const std::string& next_step) {
    std::cout << coloured("note  ", colour::doubtful) << what << "\n      " << next_step << "\n";
  }
  bool failed() const { return failed_; }

private:
  bool failed_ = false;
};

struct trip {
  double seconds = 0;
  double clock_ahead = 0; ///< the server's, of ours
};

absl::StatusOr<trip> round_trip(client& server) {
  reapi::Command command;
  for (const auto* argument : {"/bin/sh", "-c", "echo well"})
    command.add_arguments(argument);
  reapi::Action action;
  action.set_salt(std::to_string(::getpid()) + "-" + std::to_string(now().nanos()));
  action.set_do_not_cache(true);
  upload_set blobs;
  *action.mutable_command_digest() = blobs.add(command.SerializeAsString()).to_proto();
  *action.mutable_input_root_digest() =
      blobs.add(reapi::Directory().SerializeAsString()).to_proto();
  const auto id = blobs.add(action.SerializeAsString());
  const auto begin = now();
  if (auto status = blobs.send(server); !status.ok())
    return status;
  std::string operation;
  const auto patience = server.options().timeout;
  const auto response =
      execute_remote(server, id,
                     {.patience = patience,
                      .progress = [&](const std::string& name, reapi::ExecutionStage::Value) {
                        operation = name;
                      }});
  if (absl::IsDeadlineExceeded(response.status()))
    return absl::DeadlineExceededError("it was not done after " + std::to_string(patience.count())
                                       + " s; rectl explain " + operation + " tells why");
  if (!response.ok())
    return response.status();
  trip done{.seconds = seconds_between(begin, now())};
  done.clock_ahead =
      seconds_between(now(), response->result().execution_metadata().worker_completed_timestamp());
  if (response->status().code() != 0)
    return absl::Status(static_cast<absl::StatusCode>(response->status().code()),
                        response->status().message());
  if (response->result().exit_code() != 0)
    return absl::InternalError("a command that echoes a word ended with exit code "
                               + std::to_string(response->result().exit_code()));
  return done;
}

void look_at_clock(const trip& x, report& to) {
  if (std::abs(x.clock_ahead) > 5 + x.seconds)
    to.note("the server's clock is " + duration_text(std::abs(x.clock_ahead))
                + (x.clock_ahead > 0 ? " ahead of" : " behind") + " this one",
            "times in its answers are by its clock; run NTP on both");
  else
    to.good("the clocks agree");
}

void look_at_problems(const admin::v1::Status& status, report& to) {
  for (const auto& x : status.problems()) {
    if (x.severity() == admin::v1::Problem::ERROR)
      to.bad(x.what(), x.next_step());
    else
      to.note(x.what(), x.next_step());
  }
  if (status.problems_size() == 0)
    to.good("the server sees nothing wrong with itself (workers, queue, store)");
}

void look_at_store(const admin::v1::Status& status, report& to) {
  const auto& cas = status.cas();
  to.good("the store has " + std::to_string(cas.blobs()) + " blobs and takes "
          + std::to_string(cas.used_bytes() >> 20) + " of " + std::to_string(cas.max_bytes() >> 20)
          + " MiB");
}

void look_at_execution(client& server, const admin::v1::Status& status, report& to) {
  if (status.workers_size() == 0)
    return to.note("it has no workers: it is a cache", "[[execution.pool.workers]] adds some");
  const auto done = round_trip(server);
  if (!done.ok())
    return to.bad("an action could not be run: " + std::string(done.status().message()),
                  "rectl workers tells what each worker does");
  to.good("an action went there and back in " + duration_text(done->seconds));
  look_at_clock(*done, to);
}

int run_doctor(const globals& given) {
  client server(given.connection);
  report to;
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  admin::v1::Status answer;
  const auto status = from_grpc(
      server.admin->GetStatus(server.new_call().get(), admin::v1::GetStatusRequest(), &answer),
      "asking for the status");
  if (!status.ok())
    return complain(status);
  to.good("ExpBuild " + answer.version() + " answers at " + given.connection.server);
  if (answer.version() != EXPBUILD_VERSION)
    to.note("this rectl is " EXPBUILD_VERSION, "take both from one version");
  look_at_problems(answer, to);
  look_at_store(answer, to);
  look_at_execution(server, answer, to);
  return to.failed() ? failed : ok;
}

} // namespace

verb add_doctor(CLI::App& app) {
  app.add_subcommand("doctor", "looks for what is wrong with a server: version, clock, workers, "
                               "store, and whether an action runs");
  return run_doctor;
}

} // namespace expbuild::rectl
