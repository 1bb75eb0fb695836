#include "actors/action_report.hpp"

#include "actors/execution_times.hpp"
#include "actors/log_line.hpp"

namespace expbuild {

namespace {

constexpr std::size_t max_text = 200;

void add(std::string& to, const char* name, const std::string& value) {
  if (!value.empty())
    to.append(" ").append(name).append("=").append(clean_text(value, max_text));
}

void add_ms(std::string& to, const char* name, std::chrono::nanoseconds value) {
  to.append(" ").append(name).append("=").append(
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(value).count()) + "ms");
}

std::string outcome(const absl::Status& status, const reapi::ExecuteResponse& response) {
  if (!status.ok())
    return absl::StatusCodeToString(status.code());
  return response.cached_result() ? "cached"
                                  : "exit_code=" + std::to_string(response.result().exit_code());
}

} // namespace

action_outcome outcome_of(const absl::Status& status, const reapi::ActionResult* result,
                          bool from_cache) {
  if (from_cache)
    return action_outcome::cache_hit;
  if (absl::IsDeadlineExceeded(status))
    return action_outcome::timeout;
  if (absl::IsCancelled(status))
    return action_outcome::cancelled;
  if (absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status))
    return action_outcome::rejected;
  if (!status.ok() || result == nullptr)
    return action_outcome::infra_error;
  return result->exit_code() == 0 ? action_outcome::success : action_outcome::nonzero;
}

std::string failure_message(const digest& action, const reapi::ExecutedActionMetadata& metadata,
                            const std::string& pages) {
  const auto name = action.hash().substr(0, 16);
  return (metadata.worker().empty() ? std::string() : "ran on " + metadata.worker() + "; ")
         + (pages.empty() ? std::string() : "see " + pages + "/ui/action/" + name + " or ")
         + "rectl explain " + name;
}

std::string report_of(const digest& action, const request_metadata& asker,
                      const absl::Status& status, const reapi::ExecuteResponse& response,
                      const reapi::ExecutedActionMetadata& metadata) {
  auto text = "action " + action.to_string() + " ended: " + outcome(status, response);
  add(text, "target", asker.target_id);
  add(text, "mnemonic", asker.action_mnemonic);
  add(text, "worker", metadata.worker());
  if (!response.cached_result()) {
    add_ms(text, "queued", between(metadata.queued_timestamp(), metadata.worker_start_timestamp()));
    add_ms(text, "staged",
           between(metadata.input_fetch_start_timestamp(),
                   metadata.input_fetch_completed_timestamp()));
    add_ms(text, "ran",
           between(metadata.execution_start_timestamp(), metadata.execution_completed_timestamp()));
    add_ms(text, "total",
           between(metadata.queued_timestamp(), metadata.worker_completed_timestamp()));
  }
  add(text, "tool", asker.tool_name + (asker.tool_version.empty() ? "" : "/" + asker.tool_version));
  add(text, "invocation", asker.invocation_id);
  add(text, "correlated", asker.correlated_invocations_id);
  add(text, "configuration", asker.configuration_id);
  add(text, "action_id", asker.action_id == action.hash() ? std::string() : asker.action_id);
  if (!status.ok())
    text += ": " + clean_text(std::string(status.message()), max_text);
  return text;
}

} // namespace expbuild
