#pragma once
#include "actors/action_history.hpp"
#include "actors/operation_messages.hpp"
#include "actors/reply.hpp"
#include "actors/stream_sink.hpp"
#include "actors/trace.hpp"
#include "storage/digest.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What the recorder hears of each action, what it is asked, and what it answers (see
/// messages.hpp).

namespace expbuild {

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

} // namespace expbuild

#define EXPBUILD_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::type)
EXPBUILD_MESSAGE(action_began)
EXPBUILD_MESSAGE(action_joined)
EXPBUILD_MESSAGE(action_moved)
EXPBUILD_MESSAGE(action_ended)
EXPBUILD_MESSAGE(trace_of)
EXPBUILD_MESSAGE(find_action)
EXPBUILD_MESSAGE(list_actions)
EXPBUILD_MESSAGE(watch_actions)
EXPBUILD_MESSAGE(unwatch_actions)
EXPBUILD_MESSAGE(get_live_actions)
EXPBUILD_MESSAGE(action_sink)
EXPBUILD_MESSAGE(reply<expbuild::recorded_trace>)
EXPBUILD_MESSAGE(reply<expbuild::action_snapshot>)
EXPBUILD_MESSAGE(reply<expbuild::action_page>)
EXPBUILD_MESSAGE(reply<expbuild::live_actions>)
#undef EXPBUILD_MESSAGE
