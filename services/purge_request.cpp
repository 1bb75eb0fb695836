#include "services/purge_request.hpp"

#include "services/request_checks.hpp"
#include "services/times.hpp"

#include <limits>

namespace expbuild {

namespace {

using google::protobuf::Timestamp;

/// Results know their second: one that ends within it counts as begun.
absl::StatusOr<store_seconds> read_time(const Timestamp& x, std::string_view field, bool round_up) {
  constexpr auto last = std::numeric_limits<store_seconds>::max();
  if (x.seconds() < 0 || x.seconds() >= last || x.nanos() < 0 || x.nanos() >= ns_per_second)
    return absl::InvalidArgumentError(std::string(field) + ": " + std::to_string(x.seconds())
                                      + " s is no time between 1970 and 2106");
  return static_cast<store_seconds>(x.seconds() + (round_up && x.nanos() > 0 ? 1 : 0));
}

absl::Status check_times(const result_filter& filter) {
  if (!filter.stored_before || !filter.stored_after || *filter.stored_after < *filter.stored_before)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      "stored_after is not before stored_before: no result can have been stored then");
}

absl::Status read_times(const admin::v1::PurgeActionResultsRequest& request, result_filter& into) {
  if (request.has_stored_before()) {
    const auto time = read_time(request.stored_before(), "stored_before", true);
    if (!time.ok())
      return time.status();
    into.stored_before = *time;
  }
  if (request.has_stored_after()) {
    const auto time = read_time(request.stored_after(), "stored_after", false);
    if (!time.ok())
      return time.status();
    into.stored_after = *time;
  }
  return check_times(into);
}

} // namespace

absl::StatusOr<result_filter> read_filter(const service_context& context,
                                          const admin::v1::PurgeActionResultsRequest& request) {
  if (auto status = check_instance(context, request.instance_name()); !status.ok())
    return status;
  const bool has_condition = !request.worker().empty() || !request.mnemonic().empty()
                             || request.has_stored_before() || request.has_stored_after();
  if (has_condition == request.all())
    return absl::InvalidArgumentError(
        request.all() ? "all goes with no other condition: leave it out to remove what fits in them"
                      : "which results are to go? Name a worker, a mnemonic or a time, or all");
  result_filter filter{.worker = request.worker(), .mnemonic = request.mnemonic()};
  if (auto status = read_times(request, filter); !status.ok())
    return status;
  return filter;
}

void describe(const purge_report& report, admin::v1::PurgeActionResultsResponse& to) {
  to.set_looked_at_results(static_cast<std::int64_t>(report.looked_at));
  to.set_matched_results(static_cast<std::int64_t>(report.matched));
  to.set_matched_bytes(report.matched_bytes);
  to.set_removed_results(static_cast<std::int64_t>(report.removed));
  to.set_removed_bytes(report.removed_bytes);
  for (const auto& x : report.samples) {
    auto& sample = *to.add_samples();
    sample.set_action_digest(x.action.to_string());
    sample.set_worker(x.worker);
    sample.set_mnemonic(x.origin.mnemonic);
    sample.set_target_id(x.origin.target_id);
    sample.mutable_stored_at()->set_seconds(x.origin.stored_at);
  }
}

} // namespace expbuild
