#pragma once
#include "actors/job.hpp"
#include "actors/operation_messages.hpp"
#include "actors/reply.hpp"
#include "actors/trace.hpp"
#include "actors/worker_status.hpp"
#include "storage/digest.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// What the scheduler, the workers and the supervisor say to each other, and what is said to them.

namespace expbuild {

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
  std::shared_ptr<const worker_pulse> pulse = {}; ///< null: it does not say what it does
};

/// A worker takes no more jobs. Answered when none is on its way to it any more: whatever was sent
/// to it comes before the answer. Its handle comes along.
struct worker_leaving {
  trace_context trace;
};

/// A worker that can not come until something changes outside: `why`, a FAILED_PRECONDITION, tells
/// what. Its next worker_ready takes it back.
struct worker_unusable {
  trace_context trace;
  std::string name;
  platform_properties platform;
  absl::Status why;
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

/// Finish what you do, take nothing more, and quit with this reason.
struct step_down {
  trace_context trace;
  absl::Status why;
};

/// INTERNAL to worker: no job is on its way any more.
struct may_leave {
  trace_context trace;
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
  /// Live slots: name, type, what it offers, idle or busy and since when, what it runs.
  std::vector<worker_status> workers;
};
struct get_scheduler_stats {
  trace_context trace;
};

/// Take workers out of service once they have finished what they do, or back into it: by name, or
/// by the beginning of a name and '*'. It is remembered over restarts of theirs. (answer: the names
/// that it was done to)
struct drain_workers {
  trace_context trace;
  std::vector<std::string> names;
  bool drain = true;
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

/// Something that workers need (a container engine) is gone, or there again: OK. While it is gone
/// its workers are down, all of them, and none is restarted.
struct dependency_changed {
  trace_context trace;
  std::string dependency;
  absl::Status status;
};

/// Restart these workers now, whatever they do: what they run is queued again. By name, or by the
/// beginning of a name and '*'. No failure of theirs. (answer: their names)
struct restart_workers {
  trace_context trace;
  std::vector<std::string> names;
};

/// INTERNAL to supervisor: the pause before a restart, or of a quarantine, is over.
struct restart_worker {
  trace_context trace;
  std::size_t slot = 0;
  std::uint64_t generation = 0;
};

} // namespace expbuild

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::submit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::withdraw)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::raise_priority)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::worker_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::worker_leaving)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::worker_unusable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::job_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::run_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::stop_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::step_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::may_leave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::check_health)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::get_scheduler_stats)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::drain_workers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::restart_workers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::get_workers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::shut_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::dependency_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::restart_worker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::reply<expbuild::scheduler_stats>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::reply<std::vector<expbuild::worker_status>>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::reply<std::vector<std::string>>)
