#pragma once
#include "actors/trace.hpp"
#include "actors/worker/executor.hpp"
#include "actors/worker/workspace.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

/// What a worker hears from its own executor and its own I/O work, step by step of an attempt.

namespace expbuild {

/// INTERNAL to worker: its executor can run commands, or never will.
struct executor_opened {
  trace_context trace;
  absl::Status status;
};
/// INTERNAL to worker: its executor is gone, and every process with it.
struct executor_lost {
  trace_context trace;
  absl::Status why;
};
/// INTERNAL to worker: the inputs are on disk.
struct inputs_staged {
  trace_context trace;
  std::uint64_t attempt = 0;
  absl::Status status;
};
/// INTERNAL to worker: the command has ended.
struct command_finished {
  trace_context trace;
  std::uint64_t attempt = 0;
  absl::StatusOr<command_ended> ended;
};
/// INTERNAL to worker: the outputs are in the store.
struct outputs_collected {
  trace_context trace;
  std::uint64_t attempt = 0;
  absl::StatusOr<collected_outputs> outputs;
};
/// INTERNAL to worker: the outputs can be found.
struct outputs_published {
  trace_context trace;
  std::uint64_t attempt = 0;
  absl::Status status;
};

} // namespace expbuild

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::executor_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::executor_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::inputs_staged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::command_finished)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::outputs_collected)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::outputs_published)
