#include "services/action_messages.hpp"

#include "services/times.hpp"

namespace expbuild {

namespace {

using google::protobuf::Timestamp;

std::string outcome_name(message_outcome x) {
  switch (x) {
  case message_outcome::handled:
    return "handled";
  case message_outcome::dropped:
    return "dropped";
  case message_outcome::threw:
    return "threw";
  case message_outcome::event:
    return "event";
  }
  return "unknown";
}

void describe(const trace_record& record, admin::v1::Event& to) {
  to.set_span(record.span);
  to.set_parent_span(record.parent_span);
  set_timestamp(*to.mutable_sent_at(), record.sent_ns);
  set_duration(*to.mutable_queued_for(), record.queued_ns);
  set_duration(*to.mutable_handled_in(), record.handled_ns);
  to.set_from(interned_name(record.from));
  to.set_to(interned_name(record.to));
  to.set_message(interned_name(record.message));
  to.set_outcome(outcome_name(record.outcome));
}

bool is_set(const Timestamp& x) {
  return x.seconds() != 0 || x.nanos() != 0;
}

/// A stage that never began is left out; one that has not ended has no end.
void describe_stage(const Timestamp& from, const Timestamp& to,
                    admin::v1::Stage* (admin::v1::Action::*stage)(), admin::v1::Action& into) {
  if (!is_set(from))
    return;
  auto& x = *(into.*stage)();
  *x.mutable_from() = from;
  if (is_set(to))
    *x.mutable_to() = to;
}

void describe_stages(const reapi::ExecutedActionMetadata& x, admin::v1::Action& into) {
  using admin::v1::Action;
  describe_stage(x.queued_timestamp(), x.worker_start_timestamp(), &Action::mutable_queued, into);
  describe_stage(x.input_fetch_start_timestamp(), x.input_fetch_completed_timestamp(),
                 &Action::mutable_fetched, into);
  describe_stage(x.execution_start_timestamp(), x.execution_completed_timestamp(),
                 &Action::mutable_executed, into);
  describe_stage(x.output_upload_start_timestamp(), x.output_upload_completed_timestamp(),
                 &Action::mutable_uploaded, into);
}

} // namespace

std::string_view to_string(execution_stage x) {
  switch (x) {
  case execution_stage::cache_check:
    return "cache_check";
  case execution_stage::queued:
    return "queued";
  case execution_stage::executing:
    return "executing";
  case execution_stage::completed:
    return "completed";
  }
  return "unknown";
}

admin::v1::Action describe(const action_record& x) {
  admin::v1::Action to;
  to.set_operation_name(x.operations.empty() ? std::string() : x.operations.front());
  to.set_action_digest(x.action.to_string());
  to.set_stage(std::string(to_string(x.stage)));
  to.set_target_id(x.asker.target_id);
  to.set_action_mnemonic(x.asker.action_mnemonic);
  to.set_invocation_id(x.asker.invocation_id);
  to.set_tool_name(x.asker.tool_name);
  to.set_worker(x.worker);
  to.set_attempts(static_cast<std::int32_t>(x.attempts));
  set_timestamp(*to.mutable_began_at(), x.began);
  if (x.is_live())
    return to;
  to.set_outcome(std::string(to_string(*x.outcome)));
  to.set_exit_code(x.exit_code);
  to.set_status(absl::StatusCodeToString(x.status.code()));
  to.set_message(std::string(x.status.message()));
  set_timestamp(*to.mutable_ended_at(), x.ended);
  if (x.attempts > 0) // else they are those of another run, or of none
    describe_stages(x.metadata, to);
  return to;
}

admin::v1::Trace describe(const recorded_trace& x) {
  admin::v1::Trace to;
  const auto& action = *x.action;
  to.set_operation_name(action.operations.front());
  to.set_action_digest(action.action.to_string());
  const auto& asker = action.asker;
  to.set_tool_name(asker.tool_name);
  to.set_tool_version(asker.tool_version);
  to.set_action_id(asker.action_id);
  to.set_invocation_id(asker.invocation_id);
  to.set_correlated_invocations_id(asker.correlated_invocations_id);
  to.set_target_id(asker.target_id);
  to.set_action_mnemonic(asker.action_mnemonic);
  to.set_configuration_id(asker.configuration_id);
  for (const auto& record : x.records)
    describe(record, *to.add_events());
  return to;
}

admin::v1::Worker describe(const worker_status& x) {
  admin::v1::Worker to;
  to.set_name(x.name);
  to.set_type(x.type);
  to.set_image(x.image);
  to.set_state(static_cast<admin::v1::Worker::State>(static_cast<int>(x.condition)));
  to.set_restarts(static_cast<std::int64_t>(x.restarts));
  to.set_last_failure(x.last_failure);
  to.set_action(x.action);
  to.set_pid(x.pid);
  if (x.since.time_since_epoch().count() != 0)
    set_timestamp(*to.mutable_since(), x.since);
  describe(x.platform, *to.mutable_platform());
  for (const auto& restart : x.history) {
    auto& one = *to.add_history();
    set_timestamp(*one.mutable_at(), restart.at);
    one.set_why(restart.why);
  }
  return to;
}

void describe(const platform_properties& from,
              google::protobuf::RepeatedPtrField<admin::v1::Property>& to) {
  for (const auto& [name, value] : from) {
    auto& x = *to.Add();
    x.set_name(name);
    x.set_value(value);
  }
}

} // namespace expbuild
