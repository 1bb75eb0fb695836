#pragma once
#include "actors/messages.hpp"

#include <caf/fwd.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

/// All actors on one page, one comment line per message. A request that wants an answer brings a
/// reply<T> along: one hop for gRPC handlers and actors alike, and it ends even if the actor dies.

namespace expbuild {

/// CAS: knows what is present and promised; hands out readers and writers; makes room; never blocks
/// on a disk.
using cas_actor = caf::typed_actor<
    // Which of these are absent? The others are promised.
    caf::reacts_to<find_missing, reply<missing_blobs>>,
    // Which blob has this hash?
    caf::reacts_to<find_by_hash, reply<std::optional<digest>>>,
    // Open for reading.
    caf::reacts_to<open_blobs, reply<opened_blobs>>,
    // May these be written? Makes room, within the write budget.
    caf::reacts_to<admit_writes, reply<admitted_writes>>,
    // The same, and opens them for writing.
    caf::reacts_to<begin_writes, reply<begun_writes>>,
    // Committed: promised from now on.
    caf::reacts_to<blobs_stored, reply<unit>>,
    // Found absent or damaged: no longer findable.
    caf::reacts_to<blobs_lost>,
    // INTERNAL: gives a permit's room and share of the budget back.
    caf::reacts_to<writes_ended>,
    // INTERNAL: how much room there is.
    caf::reacts_to<space_measured>,
    // How much is stored.
    caf::reacts_to<get_cas_stats, reply<cas_stats>>,
    // Do you answer?
    caf::reacts_to<ping, reply<unit>>>;

/// ACTION CACHE: results by action digest; a hit is complete and not too old, or it is no hit.
using action_cache_actor = caf::typed_actor<
    // NOT_FOUND unless every blob of the result is present.
    caf::reacts_to<get_result, reply<cached_result>>,
    // Refused unless every blob of the result is present.
    caf::reacts_to<put_result, reply<unit>>,
    // Remove what fits, or say what would go.
    caf::reacts_to<purge_results, reply<purge_report>>,
    // INTERNAL: worth remembering.
    caf::reacts_to<result_known>,
    // INTERNAL: not to be remembered any more.
    caf::reacts_to<results_removed>>;

/// OPERATION: the story of one action: cache? queue, run, store, tell.
using operation_actor = caf::typed_actor<
    // A stream joins.
    caf::reacts_to<attach, operation_sink>,
    // A stream leaves; after a while without any, the action dies.
    caf::reacts_to<detach>,
    // One operation name is given up; answered when its end is retired.
    caf::reacts_to<cancel, reply<unit>>,
    // The whole execution is given up.
    caf::reacts_to<abort_all>,
    // What is its state?
    caf::reacts_to<get_operation, reply<operation_state>>,
    // Forget it: refused while it runs.
    caf::reacts_to<delete_operation, reply<unit>>,
    // INTERNAL: the action cache has answered.
    caf::reacts_to<result_checked>,
    // From the scheduler: queued again, or executing.
    caf::reacts_to<stage_reached>,
    // From the scheduler: it ended.
    caf::reacts_to<job_done>,
    // INTERNAL: the action cache has stored.
    caf::reacts_to<result_stored>,
    // From the dispatcher: nobody can find you any more.
    caf::reacts_to<release>,
    // From the dispatcher: time to repeat the last state, or to give up.
    caf::reacts_to<tick>>;

/// WORKER: one slot: stage inputs, run, collect outputs.
using worker_actor = caf::typed_actor<
    // Run this; job_done goes to the scheduler.
    caf::reacts_to<run_job>,
    // Kill what this attempt runs.
    caf::reacts_to<stop_job>,
    // From the supervisor: finish what you do, then quit.
    caf::reacts_to<step_down>,
    // INTERNAL: no job is on its way any more.
    caf::reacts_to<may_leave>,
    // Can you run actions?
    caf::reacts_to<check_health, reply<unit>>,
    // INTERNAL: its executor is ready, or will never be.
    caf::reacts_to<executor_opened>,
    // INTERNAL: its executor died; so does the worker.
    caf::reacts_to<executor_lost>,
    // INTERNAL: the attempt moves on, step by step.
    caf::reacts_to<inputs_staged>, caf::reacts_to<command_finished>,
    caf::reacts_to<outputs_collected>, caf::reacts_to<outputs_published>>;

/// SCHEDULER: who is free, who runs what, what waits.
using scheduler_actor = caf::typed_actor<
    // Queue this job for that operation.
    caf::reacts_to<submit, operation_actor>,
    // Take it back.
    caf::reacts_to<withdraw>,
    // Make it more urgent.
    caf::reacts_to<raise_priority>,
    // A slot is free.
    caf::reacts_to<worker_ready, worker_actor>,
    // From a worker: it takes no more; answered when nothing is on its way to it.
    caf::reacts_to<worker_leaving, worker_actor, reply<unit>>,
    // From a worker: it can not come, and why.
    caf::reacts_to<worker_unusable>,
    // From a worker: an attempt ended.
    caf::reacts_to<job_done>,
    // Counts and slots.
    caf::reacts_to<get_scheduler_stats, reply<scheduler_stats>>,
    // Give these workers nothing more, or something again.
    caf::reacts_to<drain_workers, reply<std::vector<std::string>>>,
    // Do you answer?
    caf::reacts_to<ping, reply<unit>>,
    // INTERNAL: housekeeping.
    caf::reacts_to<tick>>;

/// DISPATCHER: the table of live operations and the only door for operation names.
using dispatcher_actor = caf::typed_actor<
    // Run, or join what runs.
    caf::reacts_to<execute, operation_sink>,
    // INTERNAL: the action of an execute has been read.
    caf::reacts_to<action_loaded, operation_sink>,
    // Watch by name.
    caf::reacts_to<watch, operation_sink>,
    // A stream is gone.
    caf::reacts_to<detach>,
    // Give up one operation.
    caf::reacts_to<cancel, reply<unit>>,
    // State by name.
    caf::reacts_to<get_operation, reply<operation_state>>,
    // Live and finished ones, in pages.
    caf::reacts_to<list_operations, reply<operation_page>>,
    // Forget a finished one.
    caf::reacts_to<delete_operation, reply<unit>>,
    // From an operation: one of its names has ended and is retired.
    caf::reacts_to<name_ended>,
    // From an operation: it has ended and is retired.
    caf::reacts_to<operation_finished>,
    // From the reaper: its time is over.
    caf::reacts_to<forget>,
    // Take nothing new; answered when nothing is left.
    caf::reacts_to<drain, reply<unit>>,
    // End everything.
    caf::reacts_to<abort_all>,
    // Do you answer?
    caf::reacts_to<ping, reply<unit>>,
    // INTERNAL: time for the heartbeat of all operations.
    caf::reacts_to<tick>>;

/// RESULT REAPER: finished operations until result_ttl_seconds are over.
using result_reaper_actor = caf::typed_actor<
    // Keep this one; tell the dispatcher when its time is over.
    caf::reacts_to<retire, dispatcher_actor>,
    // Tell this stream the end of the story.
    caf::reacts_to<watch, operation_sink>,
    // What was its end?
    caf::reacts_to<get_operation, reply<operation_state>>,
    // Its client wants it no more.
    caf::reacts_to<forget>,
    // INTERNAL: something expires.
    caf::reacts_to<tick>>;

/// SUPERVISOR: spawns the workers, watches them, restarts what dies.
using supervisor_actor = caf::typed_actor<
    // Who is there, in which state?
    caf::reacts_to<get_workers, reply<std::vector<worker_status>>>,
    // Stop them all; answered when they are gone.
    caf::reacts_to<shut_down, reply<unit>>,
    // Something that workers need is gone, or there again.
    caf::reacts_to<dependency_changed>,
    // Restart these now.
    caf::reacts_to<restart_workers, reply<std::vector<std::string>>>,
    // INTERNAL: time to restart one, or to look after a quarantined one.
    caf::reacts_to<restart_worker>>;

/// RECORDER: what became of each action, and its message trace.
using recorder_actor = caf::typed_actor<
    // From dispatcher and operation: the story of an action.
    caf::reacts_to<action_began>, caf::reacts_to<action_joined>, caf::reacts_to<action_moved>,
    caf::reacts_to<action_ended>,
    // Its message trace.
    caf::reacts_to<trace_of, reply<recorded_trace>>,
    // What is known of it.
    caf::reacts_to<find_action, reply<action_snapshot>>,
    // Many of them, in pages.
    caf::reacts_to<list_actions, reply<action_page>>,
    // Tell me what happens from now on.
    caf::reacts_to<watch_actions, action_sink>,
    // No longer.
    caf::reacts_to<unwatch_actions>,
    // Those that live, now or as soon as there is one.
    caf::reacts_to<get_live_actions, reply<live_actions>>,
    // Do you answer?
    caf::reacts_to<ping, reply<unit>>>;

/// SENTINEL: finds what should move and does not, and says so.
using sentinel_actor = caf::typed_actor<
    // What stalls?
    caf::reacts_to<get_stalls, reply<std::vector<stall>>>,
    // INTERNAL: from now on there is something to watch.
    caf::reacts_to<actions_live>,
    // INTERNAL: time to look.
    caf::reacts_to<tick>,
    // INTERNAL: what recorder and scheduler said.
    caf::reacts_to<house_seen>>;

} // namespace expbuild
