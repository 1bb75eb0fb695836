#include "services/operation_message.hpp"

namespace expbuild {

namespace {

reapi::ExecutionStage::Value wire(execution_stage x) {
  return static_cast<reapi::ExecutionStage::Value>(static_cast<int>(x));
}

} // namespace

google::longrunning::Operation to_operation(const operation_state& state) {
  reapi::ExecuteOperationMetadata metadata;
  metadata.set_stage(wire(state.stage));
  *metadata.mutable_action_digest() = state.action.to_proto();
  metadata.set_digest_function(
      static_cast<reapi::DigestFunction::Value>(static_cast<int>(state.action.function())));
  *metadata.mutable_partial_execution_metadata() = state.metadata;

  google::longrunning::Operation operation;
  operation.set_name(state.name);
  operation.mutable_metadata()->PackFrom(metadata);
  if (state.stage == execution_stage::completed && state.response) {
    operation.set_done(true);
    operation.mutable_response()->PackFrom(*state.response);
  }
  return operation;
}

} // namespace expbuild
