#include "services/main/rectl/age_argument.hpp"
#include "services/main/rectl/progress.hpp"
#include "services/main/rectl/verbs.hpp"

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <iomanip>
#include <iostream>
#include <unistd.h>

namespace expbuild::rectl {

namespace {

using admin::v1::PurgeActionResultsRequest;
using admin::v1::PurgeActionResultsResponse;

struct purge_choice {
  std::string worker;
  std::string mnemonic;
  std::string older_than;
  std::string newer_than;
  bool all = false;
  bool dry_run = false;
  bool yes = false;
};

/// A time that long ago; nothing for an empty span.
absl::Status set_age(const std::string& span, PurgeActionResultsRequest& request,
                     google::protobuf::Timestamp* (PurgeActionResultsRequest::*which)()) {
  if (span.empty())
    return absl::OkStatus();
  const auto age = parse_age_argument(span);
  if (!age.ok())
    return age.status();
  const auto time = absl::ToUnixNanos(absl::Now() - absl::Seconds(age->count()));
  auto& into = *(request.*which)();
  into.set_seconds(std::max<std::int64_t>(time, 0) / 1'000'000'000);
  into.set_nanos(static_cast<std::int32_t>(std::max<std::int64_t>(time, 0) % 1'000'000'000));
  return absl::OkStatus();
}

absl::StatusOr<PurgeActionResultsRequest> make_request(const globals& given,
                                                       const purge_choice& choice) {
  PurgeActionResultsRequest request;
  request.set_instance_name(given.connection.instance);
  request.set_worker(choice.worker);
  request.set_mnemonic(choice.mnemonic);
  request.set_all(choice.all);
  auto status =
      set_age(choice.older_than, request, &PurgeActionResultsRequest::mutable_stored_before);
  status.Update(
      set_age(choice.newer_than, request, &PurgeActionResultsRequest::mutable_stored_after));
  const bool has_condition = !choice.worker.empty() || !choice.mnemonic.empty()
                             || !choice.older_than.empty() || !choice.newer_than.empty();
  if (has_condition == choice.all)
    status.Update(absl::InvalidArgumentError(
        "which results are to go? Give --worker, --mnemonic, --older-than, --newer-than (those "
        "that fit in all of them go), or --all alone"));
  if (!status.ok())
    return status;
  return request;
}

int wrong_usage(const absl::Status& status) {
  complain(status);
  return usage;
}

absl::StatusOr<PurgeActionResultsResponse> ask(client& server, PurgeActionResultsRequest request,
                                               bool dry_run) {
  request.set_dry_run(dry_run);
  PurgeActionResultsResponse answer;
  auto status =
      from_grpc(server.admin->PurgeActionResults(server.new_call().get(), request, &answer),
                "purging the action cache");
  if (absl::IsDeadlineExceeded(status))
    status = absl::DeadlineExceededError(
        "the purge took too long and was ended; what it had removed by then stays removed. Run it "
        "again, or give it more time with --timeout");
  if (!status.ok())
    return status;
  return answer;
}

std::string time_text(const google::protobuf::Timestamp& x) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(x.seconds()),
                          absl::LocalTimeZone());
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string amount(std::int64_t results, std::int64_t bytes) {
  return std::to_string(results) + (results == 1 ? " result, " : " results, ") + size_text(bytes);
}

void print(const PurgeActionResultsResponse& answer, bool dry_run) {
  for (const auto& x : answer.samples())
    std::cout << std::left << time_text(x.stored_at()) << "  " << std::setw(18)
              << or_dash(x.worker()) << " " << std::setw(16) << or_dash(x.mnemonic()) << " "
              << x.action_digest() << " " << x.target_id() << "\n";
  if (answer.samples_size() < answer.matched_results())
    std::cout << "... and " << answer.matched_results() - answer.samples_size() << " more\n";
  if (dry_run)
    std::cout << "would remove " << amount(answer.matched_results(), answer.matched_bytes());
  else
    std::cout << "removed " << amount(answer.removed_results(), answer.removed_bytes());
  std::cout << " (looked at " << answer.looked_at_results() << ")\n";
}

/// Shows what would go and asks.
absl::StatusOr<bool> confirm(client& server, const PurgeActionResultsRequest& request) {
  const auto would = ask(server, request, true);
  if (!would.ok())
    return would.status();
  print(*would, true);
  std::cerr << "Remove them? [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int run_purge(const globals& given, const purge_choice& choice) {
  const auto request = make_request(given, choice);
  if (!request.ok())
    return wrong_usage(request.status());
  const bool must_ask = !choice.dry_run && !choice.yes;
  if (must_ask && (given.json || ::isatty(STDIN_FILENO) != 1))
    return wrong_usage(absl::InvalidArgumentError(
        "nobody can be asked here, so nothing was removed: --dry-run shows what would go, --yes "
        "removes it without asking"));
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  if (must_ask) {
    const auto confirmed = confirm(server, *request);
    if (!confirmed.ok() || !*confirmed)
      return complain(confirmed.ok() ? absl::AbortedError("nothing was removed")
                                     : confirmed.status());
  }
  const auto answer = ask(server, *request, choice.dry_run);
  if (!answer.ok())
    return complain(answer.status());
  if (given.json)
    return print_json(*answer);
  print(*answer, choice.dry_run);
  return ok;
}

} // namespace

verb add_purge(CLI::App& app) {
  auto* command = app.add_subcommand("purge", "remove results from the action cache");
  auto x = std::make_shared<purge_choice>();
  command->add_option("--worker", x->worker, "made by this worker");
  command->add_option("--mnemonic", x->mnemonic, "of actions that their client calls so");
  command->add_option("--older-than", x->older_than, "stored longer ago: 90s, 2h, 3d");
  command->add_option("--newer-than", x->newer_than, "stored since: 90s, 2h, 3d");
  command->add_flag("--all", x->all, "all of them");
  command->add_flag("--dry-run", x->dry_run, "say what would go, remove nothing");
  command->add_flag("--yes", x->yes, "do not ask");
  return [x](const globals& given) { return run_purge(given, *x); };
}

} // namespace expbuild::rectl
