#pragma once
#include "actors/job.hpp"
#include "actors/operation_state.hpp"
#include "actors/reply.hpp"
#include "actors/trace.hpp"
#include "storage/digest.hpp"
#include "storage/inlining.hpp"

#include <absl/status/statusor.h>
#include <caf/allowed_unsafe_message_type.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What dispatcher, operations, the result reaper and those who ask for operations say to each
/// other (see messages.hpp).

namespace expbuild {

using cached_result = std::shared_ptr<const reapi::ActionResult>;

/// Who asks (RequestMetadata), as far as traces and logs want it.
struct request_metadata {
  std::string tool_name;
  std::string tool_version;
  std::string action_id; ///< what the client calls the action; usually its hash
  std::string invocation_id;
  std::string correlated_invocations_id; ///< several invocations that belong together
  std::string target_id;
  std::string action_mnemonic;
  std::string configuration_id;
};

/// A start on a worker that did not end the action: the worker died.
struct lost_attempt {
  std::chrono::system_clock::time_point at;
  std::string worker;
  std::string why;
};

/// Run this action, or join the one that runs. `listener` is unique to the sender's stream.
struct execute {
  trace_context trace;
  digest action;
  bool skip_cache_lookup = false;
  std::int32_t priority = 0;
  std::uint64_t listener = 0;
  request_metadata asker;
  inline_request inlined = {}; ///< kept with the operation, for those who watch it later
};

/// Watch an operation by name, finished ones included. NOT_FOUND ends the stream otherwise.
struct watch {
  trace_context trace;
  std::string operation;
  std::uint64_t listener = 0;
};

/// That stream is gone.
struct detach {
  trace_context trace;
  std::uint64_t listener = 0;
};

/// Ends this operation for its watchers; the action dies when no other operation waits for it.
/// (answer: NOT_FOUND for an unknown name; OK for a finished one)
struct cancel {
  trace_context trace;
  std::string operation;
};

/// Latest state of one operation, finished ones included. (answer: NOT_FOUND)
struct get_operation {
  trace_context trace;
  std::string operation;
};

/// Forgets a finished operation, and one that runs when it ends: it is not cancelled by this.
/// (answer: NOT_FOUND for an unknown name)
struct delete_operation {
  trace_context trace;
  std::string operation;
};

/// Which operations to list; what is not set does not matter.
struct operation_filter {
  std::optional<bool> done;
  std::optional<execution_stage> stage;
};
/// Known operations, oldest first. (answer: operation_page)
struct list_operations {
  trace_context trace;
  operation_filter filter;
  std::uint64_t after = 0; ///< number of the last one of the page before; 0: from the start
  std::size_t limit = 100;
};
struct operation_page {
  struct entry {
    std::uint64_t number = 0; ///< rises with the age; where the next page goes on
    operation_state state;
  };
  std::vector<entry> operations; ///< may be fewer than asked for although there are more
  std::uint64_t next = 0;        ///< `after` of the next page; 0: this was the last
};

/// Takes no new actions; answered when none is left.
struct drain {
  trace_context trace;
};

/// Ends every live operation with this status (the last step of a stop).
struct abort_all {
  trace_context trace;
  absl::Status why;
};

/// INTERNAL: what execute waited for.
struct action_loaded {
  trace_context trace;
  execute request;
  absl::StatusOr<std::shared_ptr<const loaded_action>> action;
};

/// A stream joins this execution under this operation name.
struct attach {
  trace_context trace;
  std::string operation;
  std::uint64_t listener = 0;
  std::int32_t priority = 0;
  bool is_new = false;         ///< a name that an Execute has just got; else one that is watched
  inline_request inlined = {}; ///< of a new name
};

/// INTERNAL to operation: the action cache has answered.
struct result_checked {
  trace_context trace;
  absl::StatusOr<cached_result> result;
};

/// INTERNAL to operation: the action cache has stored (or refused) the result.
struct result_stored {
  trace_context trace;
  absl::Status status;
};

/// The job moved: queued again, or executing on a worker.
struct stage_reached {
  trace_context trace;
  execution_stage stage = execution_stage::queued;
  std::string worker;
  /// Why it is queued again.
  std::optional<lost_attempt> lost = std::nullopt;
};

/// From operation to dispatcher: it has ended and its names are retired. No new stream may join.
struct operation_finished {
  trace_context trace;
  std::uint64_t execution = 0;
};

/// From operation to dispatcher: this name alone has ended, and is retired.
struct name_ended {
  trace_context trace;
  std::string operation;
};

/// From dispatcher to operation: nobody can find you any more; end.
struct release {
  trace_context trace;
};

/// Keep this finished operation until its time is over.
struct retire {
  trace_context trace;
  operation_state state;
};

/// The dispatcher may forget this name.
struct forget {
  trace_context trace;
  std::string operation;
};

} // namespace expbuild

#define EXPBUILD_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::type)
EXPBUILD_MESSAGE(execute)
EXPBUILD_MESSAGE(watch)
EXPBUILD_MESSAGE(detach)
EXPBUILD_MESSAGE(cancel)
EXPBUILD_MESSAGE(get_operation)
EXPBUILD_MESSAGE(delete_operation)
EXPBUILD_MESSAGE(list_operations)
EXPBUILD_MESSAGE(drain)
EXPBUILD_MESSAGE(abort_all)
EXPBUILD_MESSAGE(action_loaded)
EXPBUILD_MESSAGE(attach)
EXPBUILD_MESSAGE(result_checked)
EXPBUILD_MESSAGE(result_stored)
EXPBUILD_MESSAGE(stage_reached)
EXPBUILD_MESSAGE(operation_finished)
EXPBUILD_MESSAGE(name_ended)
EXPBUILD_MESSAGE(release)
EXPBUILD_MESSAGE(retire)
EXPBUILD_MESSAGE(forget)
EXPBUILD_MESSAGE(operation_sink)
EXPBUILD_MESSAGE(reply<expbuild::operation_state>)
EXPBUILD_MESSAGE(reply<expbuild::operation_page>)
#undef EXPBUILD_MESSAGE
