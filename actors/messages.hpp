#pragma once
#include "actors/action_history.hpp"
#include "actors/job.hpp"
#include "actors/operation_messages.hpp"
#include "actors/pool_messages.hpp"
#include "actors/reply.hpp"
#include "actors/space_budget.hpp"
#include "actors/stall.hpp"
#include "actors/trace.hpp"
#include "actors/worker/worker_messages.hpp"
#include "actors/worker_status.hpp"
#include "storage/backend.hpp"
#include "storage/digest.hpp"
#include "storage/inlining.hpp"
#include "storage/purge_report.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Everything that actors say to each other. Messages are structs, begin with a trace_context,
/// and carry digests and handles, never bytes. They stay inside the process. Requests are
/// imperatives, answers participles or nouns, events what happened.

namespace expbuild {

// ---- cas -------------------------------------------------------------------------------------

/// Which of these are absent? The others are promised: they stay for the time of a lease from now
/// on. (answer: missing_blobs)
struct find_missing {
  trace_context trace;
  std::vector<digest> digests;
};
struct missing_blobs {
  std::vector<digest> digests;
};

/// Which blob has this hash, whatever its size? (answer: nullopt where absent) Like find_missing it
/// extends the life of what it finds.
struct find_by_hash {
  trace_context trace;
  digest_function function = digest_function::sha256;
  std::string raw_hash;
};

/// Open these for reading. (answer: opened_blobs, in the order asked; NOT_FOUND where absent)
struct open_blobs {
  trace_context trace;
  std::vector<digest> digests;
};
using opened_blobs = std::vector<absl::StatusOr<std::shared_ptr<blob_reader>>>;

/// May these be written? (answer: admitted_writes)
struct admit_writes {
  trace_context trace;
  std::vector<digest> digests;
  /// Each by a writer of its own, which counts; else all of them count as one.
  bool one_by_one = false;
};
/// Gives room and a share of the write budget back when it goes.
class write_permit;
struct admitted_writes {
  std::vector<bool> wanted; ///< in the order asked; false: it is there already, and promised
  std::shared_ptr<const write_permit> permit;
};

/// Open these for writing. (answer: begun_writes, in the order asked)
struct begin_writes {
  trace_context trace;
  std::vector<digest> digests;
};
/// A writer, or null where the blob is already there (and promised). RESOURCE_EXHAUSTED beyond the
/// write budget, and when the store is full of what was promised.
using begun_writes = std::vector<absl::StatusOr<std::shared_ptr<blob_writer>>>;

/// These were committed to the store: promise them. (answer: once they are; RESOURCE_EXHAUSTED for
/// what nobody admitted when more than the store may hold would be promised then)
struct blobs_stored {
  trace_context trace;
  std::vector<digest> digests;
  /// Room was reserved by `admit_writes`. It is not for what is only known when it is there, as the
  /// outputs of actions.
  bool admitted = true;
};

/// These turned out to be absent or damaged.
struct blobs_lost {
  trace_context trace;
  std::vector<digest> digests;
};

/// INTERNAL: what a permit allowed is written or given up.
struct writes_ended {
  trace_context trace;
  std::uint64_t count = 0;
  room reserved;
};

/// INTERNAL: blobs were evicted, or the store was measured.
struct space_measured {
  trace_context trace;
  store_usage usage;
  bool eviction_over = false;
  std::size_t evicted = 0;
  std::int64_t evicted_bytes = 0;
  /// For how long nobody had asked for the one that was asked for last.
  std::optional<std::chrono::seconds> youngest_evicted = std::nullopt;
  absl::Status status;
};

struct cas_stats {
  std::uint64_t blobs = 0;
  std::int64_t bytes = 0;
  std::uint64_t open_writes = 0;
  std::int64_t used_bytes = 0; ///< of the disk
  std::int64_t max_bytes = 0;
  std::int64_t promised_bytes = 0; ///< of the disk, by blobs that can not be evicted now
  bool index_complete = true;
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

/// INTERNAL: a result as it is stored, with all blobs that it names. `changes` is the cache's count
/// of changes when it began to read it; one that was just stored has none, but the count of
/// removals when that began.
struct result_known {
  trace_context trace;
  digest action;
  cached_result result;
  std::shared_ptr<const std::vector<digest>> named;
  std::optional<std::uint64_t> changes;
  std::uint64_t removals = 0;
  store_seconds stored_at = 0;
};

/// Keep this result. FAILED_PRECONDITION when a blob that it names is absent.
struct put_result {
  trace_context trace;
  digest action;
  cached_result result;
  request_metadata asker = {}; ///< whoever asked for the action; what is known of it
};

/// Remove all results that fit, or (dry run) say which they are. (answer: purge_report, when that
/// has reached the disk; RESOURCE_EXHAUSTED while another purge goes on)
struct purge_results {
  trace_context trace;
  result_filter filter;
  bool dry_run = false;
  /// True: nobody waits any more, it ends soon. Null: somebody always does.
  std::shared_ptr<const std::atomic<bool>> given_up = {};
};

/// INTERNAL: a purge removed these from the store, and it may be over.
struct results_removed {
  trace_context trace;
  std::vector<digest> actions;
  bool over = false;
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

/// An execution has begun. From now on it, and its trace, can be found.
struct action_began {
  trace_context trace;
  std::uint64_t execution = 0;
  std::string operation;
  digest action;
  request_metadata asker;
  std::shared_ptr<const loaded_action> loaded; ///< null when it could not be read
};

/// Another Execute has joined it.
struct action_joined {
  trace_context trace;
  std::uint64_t execution = 0;
  std::string operation;
};

/// It is at this stage now.
struct action_moved {
  trace_context trace;
  std::uint64_t execution = 0;
  execution_stage stage = execution_stage::queued;
  std::string worker;
  std::optional<lost_attempt> lost = std::nullopt; ///< why it is queued again
  std::string why_not_cached = {};                 ///< why it is queued at all
};

/// It has ended.
struct action_ended {
  trace_context trace;
  std::uint64_t execution = 0;
  action_outcome outcome = action_outcome::success;
  absl::Status status;
  reapi::ExecutedActionMetadata metadata;
  cached_result result;
  /// It failed or was slow: the trace stays although the rings go on.
  bool keep_trace = false;
};

/// The trace of an operation name, action hash, invocation id, target or worker, or a prefix.
struct trace_of {
  trace_context trace;
  std::string query;
};
struct recorded_trace {
  action_snapshot action;
  std::vector<trace_record> records;
};

/// One action, by the same names. (answer: action_snapshot)
struct find_action {
  trace_context trace;
  std::string query;
};

/// Live actions and those that ended lately, the newest first. (answer: action_page)
struct list_actions {
  trace_context trace;
  action_filter filter;
  std::uint64_t before = 0; ///< `next` of the page before; 0: from the newest on
  std::size_t limit = 50;
};

/// Tell this sink of every action that begins, moves or ends, until `unwatch`.
using action_sink = stream_sink<action_snapshot>;
struct watch_actions {
  trace_context trace;
  std::uint64_t listener = 0; ///< unique to the sender
};
struct unwatch_actions {
  trace_context trace;
  std::uint64_t listener = 0;
};

/// Live actions, the oldest first. (answer: live_actions) With `wait` it is answered when there is
/// at least one; of those who wait only the last is.
struct get_live_actions {
  trace_context trace;
  bool wait = false;
};
using live_actions = std::vector<action_snapshot>;

// ---- sentinel ----------------------------------------------------------------------------------

/// What stalls now, in words. (answer: vector of stall)
struct get_stalls {
  trace_context trace;
};

/// INTERNAL: there is something to watch again.
struct actions_live {
  trace_context trace;
};

/// INTERNAL: what those who were asked have said; null: nothing.
struct house_seen {
  trace_context trace;
  std::shared_ptr<const live_actions> live;
  std::shared_ptr<const scheduler_stats> scheduling;
};

// ---- all of those that nothing can replace -----------------------------------------------------

/// Do you answer? (answer: unit, at once)
struct ping {
  trace_context trace;
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
EXPBUILD_MESSAGE(find_by_hash)
EXPBUILD_MESSAGE(open_blobs)
EXPBUILD_MESSAGE(begin_writes)
EXPBUILD_MESSAGE(blobs_stored)
EXPBUILD_MESSAGE(blobs_lost)
EXPBUILD_MESSAGE(admit_writes)
EXPBUILD_MESSAGE(writes_ended)
EXPBUILD_MESSAGE(space_measured)
EXPBUILD_MESSAGE(reply<expbuild::admitted_writes>)
EXPBUILD_MESSAGE(get_cas_stats)
EXPBUILD_MESSAGE(get_result)
EXPBUILD_MESSAGE(result_known)
EXPBUILD_MESSAGE(put_result)
EXPBUILD_MESSAGE(purge_results)
EXPBUILD_MESSAGE(results_removed)
EXPBUILD_MESSAGE(retire)
EXPBUILD_MESSAGE(forget)
EXPBUILD_MESSAGE(action_began)
EXPBUILD_MESSAGE(action_joined)
EXPBUILD_MESSAGE(action_moved)
EXPBUILD_MESSAGE(action_ended)
EXPBUILD_MESSAGE(trace_of)
EXPBUILD_MESSAGE(find_action)
EXPBUILD_MESSAGE(list_actions)
EXPBUILD_MESSAGE(watch_actions)
EXPBUILD_MESSAGE(unwatch_actions)
EXPBUILD_MESSAGE(action_sink)
EXPBUILD_MESSAGE(get_live_actions)
EXPBUILD_MESSAGE(get_stalls)
EXPBUILD_MESSAGE(actions_live)
EXPBUILD_MESSAGE(house_seen)
EXPBUILD_MESSAGE(ping)
EXPBUILD_MESSAGE(tick)
EXPBUILD_MESSAGE(reply<expbuild::missing_blobs>)
EXPBUILD_MESSAGE(reply<std::optional<expbuild::digest>>)
EXPBUILD_MESSAGE(reply<expbuild::opened_blobs>)
EXPBUILD_MESSAGE(reply<expbuild::begun_writes>)
EXPBUILD_MESSAGE(reply<expbuild::unit>)
EXPBUILD_MESSAGE(reply<expbuild::cas_stats>)
EXPBUILD_MESSAGE(reply<expbuild::cached_result>)
EXPBUILD_MESSAGE(reply<expbuild::purge_report>)
EXPBUILD_MESSAGE(reply<expbuild::recorded_trace>)
EXPBUILD_MESSAGE(reply<expbuild::action_snapshot>)
EXPBUILD_MESSAGE(reply<expbuild::action_page>)
EXPBUILD_MESSAGE(reply<expbuild::live_actions>)
EXPBUILD_MESSAGE(reply<std::vector<expbuild::stall>>)
#undef EXPBUILD_MESSAGE
