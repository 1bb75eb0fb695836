#pragma once
#include "actors/job.hpp"
#include "actors/operation_state.hpp"
#include "actors/reply.hpp"
#include "actors/trace.hpp"
#include "actors/worker/worker_messages.hpp"
#include "actors/worker_status.hpp"
#include "storage/backend.hpp"
#include "storage/digest.hpp"
#include "storage/inlining.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Everything that actors say to each other. Messages are structs, begin with a trace_context,
/// and carry digests and handles, never bytes. They stay inside the process. Requests are
/// imperatives, answers participles or nouns, events what happened.

namespace expbuild {

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

// ---- cas -------------------------------------------------------------------------------------

/// Which of these are absent? (answer: missing_blobs)
struct find_missing {
  trace_context trace;
  std::vector<digest> digests;
};
struct missing_blobs {
  std::vector<digest> digests;
};

/// Open these for reading. (answer: opened_blobs, in the order asked; NOT_FOUND where absent)
struct open_blobs {
  trace_context trace;
  std::vector<digest> digests;
};
using opened_blobs = std::vector<absl::StatusOr<std::shared_ptr<blob_reader>>>;

/// Open these for writing. (answer: begun_writes, in the order asked)
struct begin_writes {
  trace_context trace;
  std::vector<digest> digests;
};
/// A writer, or null where the blob is already there. RESOURCE_EXHAUSTED beyond the write budget.
using begun_writes = std::vector<absl::StatusOr<std::shared_ptr<blob_writer>>>;

/// These were committed to the store: make them findable. (answer: once they are)
struct blobs_stored {
  trace_context trace;
  std::vector<digest> digests;
};

/// These turned out to be absent or damaged.
struct blobs_lost {
  trace_context trace;
  std::vector<digest> digests;
};

/// INTERNAL: a writer that begin_writes handed out is gone.
struct write_ended {
  trace_context trace;
};

struct cas_stats {
  std::uint64_t blobs = 0;
  std::int64_t bytes = 0;
  std::uint64_t open_writes = 0;
};
struct get_cas_stats {
  trace_context trace;
};

// ---- action_cache ----------------------------------------------------------------------------

/// The result of this action, complete or not at all. (answer: NOT_FOUND for a miss)
struct get_result {
  trace_context trace;
  digest action;
  inline_request inlined;
};
using cached_result = std::shared_ptr<const reapi::ActionResult>;

/// Keep this result. FAILED_PRECONDITION when a blob that it names is absent.
struct put_result {
  trace_context trace;
  digest action;
  cached_result result;
};

// ---- dispatcher and operation ----------------------------------------------------------------

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

/// Forgets a finished operation. (answer: NOT_FOUND for an unknown name, FAILED_PRECONDITION while
/// it runs: it is not cancelled by this)
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

// ---- scheduler and workers -------------------------------------------------------------------

/// Queue this job. Its operation hears stage_reached and, once, job_done. The operation's handle
/// comes along.
struct submit {
  trace_context trace;
  job_ptr work;
};

/// Nobody wants this job any more: taken from the queue, or stopped.
struct withdraw {
  trace_context trace;
  std::uint64_t execution = 0;
  absl::Status why;
};

/// A more urgent listener has joined.
struct raise_priority {
  trace_context trace;
  std::uint64_t execution = 0;
  std::int32_t priority = 0;
};

/// A worker offers its slot (after its start and after each job). Its handle comes along.
struct worker_ready {
  trace_context trace;
  std::string name;
  std::string type;
  platform_properties platform;
  std::int64_t pid = 0;
};

/// How a job ended. `status` other than OK: no usable result, except that DEADLINE_EXCEEDED
/// carries what there was.
struct job_done {
  trace_context trace;
  std::uint64_t execution = 0;
  std::uint64_t attempt = 0; ///< fences late answers
  absl::Status status;
  std::shared_ptr<const reapi::ActionResult> result;
  reapi::ExecutedActionMetadata metadata = {}; ///< of the attempt; empty when there was none
};

/// Run this. The worker answers with job_done to the scheduler, always, unless it dies.
struct run_job {
  trace_context trace;
  job_ptr work;
  std::uint64_t attempt = 0;
};

/// Kill what this attempt runs; job_done follows with this status.
struct stop_job {
  trace_context trace;
  std::uint64_t attempt = 0;
  absl::Status why;
};

/// Answered by a worker that can run actions. UNAVAILABLE says why it can not.
struct check_health {
  trace_context trace;
};

struct scheduler_stats {
  std::uint64_t queued = 0;
  std::uint64_t running = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  /// Live slots: name, type, idle or busy, what it runs.
  std::vector<worker_status> workers;
};
struct get_scheduler_stats {
  trace_context trace;
};

// ---- supervisor --------------------------------------------------------------------------------

/// Every worker with its restarts and last failure. (answer: vector of worker_status) A live one
/// is `starting` here: whether it is idle or busy, with what, and its pid, the scheduler knows.
struct get_workers {
  trace_context trace;
};

/// Stop all workers; answered when they are gone.
struct shut_down {
  trace_context trace;
};

/// INTERNAL to supervisor: the pause before a restart, or of a quarantine, is over.
struct restart_worker {
  trace_context trace;
  std::size_t slot = 0;
  std::uint64_t generation = 0;
};

// ---- result_reaper -----------------------------------------------------------------------------

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

// ---- recorder ----------------------------------------------------------------------------------

/// From now on this trace can be found by these names.
struct name_trace {
  trace_context trace;
  std::string operation;
  digest action;
  request_metadata asker;
};

/// Keep this trace although the rings go on: it failed or was slow.
struct keep_trace {
  trace_context trace;
};

/// The trace of an operation name, action hash, invocation id or target, or a unique prefix of one.
struct trace_of {
  trace_context trace;
  std::string query;
};
struct recorded_trace {
  std::string operation;
  digest action;
  request_metadata asker;
  std::vector<trace_record> records;
};

// ---- timers ------------------------------------------------------------------------------------

/// INTERNAL: a timer to oneself; an outdated generation is ignored.
struct tick {
  trace_context trace;
  std::uint64_t generation = 0;
};

} // namespace expbuild

// In-process only: nothing here is ever serialised.
#define EXPBUILD_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::type)
EXPBUILD_MESSAGE(find_missing)
EXPBUILD_MESSAGE(open_blobs)
EXPBUILD_MESSAGE(begin_writes)
EXPBUILD_MESSAGE(blobs_stored)
EXPBUILD_MESSAGE(blobs_lost)
EXPBUILD_MESSAGE(write_ended)
EXPBUILD_MESSAGE(get_cas_stats)
EXPBUILD_MESSAGE(get_result)
EXPBUILD_MESSAGE(put_result)
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
EXPBUILD_MESSAGE(submit)
EXPBUILD_MESSAGE(withdraw)
EXPBUILD_MESSAGE(raise_priority)
EXPBUILD_MESSAGE(worker_ready)
EXPBUILD_MESSAGE(job_done)
EXPBUILD_MESSAGE(run_job)
EXPBUILD_MESSAGE(stop_job)
EXPBUILD_MESSAGE(check_health)
EXPBUILD_MESSAGE(restart_worker)
EXPBUILD_MESSAGE(get_scheduler_stats)
EXPBUILD_MESSAGE(get_workers)
EXPBUILD_MESSAGE(shut_down)
EXPBUILD_MESSAGE(retire)
EXPBUILD_MESSAGE(forget)
EXPBUILD_MESSAGE(name_trace)
EXPBUILD_MESSAGE(keep_trace)
EXPBUILD_MESSAGE(trace_of)
EXPBUILD_MESSAGE(tick)
EXPBUILD_MESSAGE(operation_sink)
EXPBUILD_MESSAGE(reply<expbuild::missing_blobs>)
EXPBUILD_MESSAGE(reply<expbuild::opened_blobs>)
EXPBUILD_MESSAGE(reply<expbuild::begun_writes>)
EXPBUILD_MESSAGE(reply<expbuild::unit>)
EXPBUILD_MESSAGE(reply<expbuild::cas_stats>)
EXPBUILD_MESSAGE(reply<expbuild::cached_result>)
EXPBUILD_MESSAGE(reply<expbuild::operation_state>)
EXPBUILD_MESSAGE(reply<expbuild::operation_page>)
EXPBUILD_MESSAGE(reply<expbuild::scheduler_stats>)
EXPBUILD_MESSAGE(reply<std::vector<expbuild::worker_status>>)
EXPBUILD_MESSAGE(reply<expbuild::recorded_trace>)
#undef EXPBUILD_MESSAGE
