#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The message trace: what every message of every action did. Every message struct begins with a
/// `trace_context`, which takes over where its sender stands; a traced actor records each message
/// that it handles (traced_actor.hpp). No call sites anywhere else.

namespace expbuild {

/// Index of an interned name ("scheduler", "worker host-worker-1"). 0 is "outside".
using actor_label = std::uint16_t;

/// Where this thread stands: which trace, which handler, which actor.
struct trace_position {
  std::uint64_t trace = 0;
  std::uint64_t span = 0;
  actor_label actor = 0;
};

trace_position& current_trace() noexcept;

/// First member of every message struct. Default-constructed it continues the sender's trace.
struct trace_context {
  std::uint64_t trace = current_trace().trace;
  std::uint64_t parent_span = current_trace().span;
  std::int64_t sent_ns = now_ns();
  actor_label from = current_trace().actor;

  /// Of a message that a timer sends after this time.
  static trace_context later(std::chrono::nanoseconds delay) {
    trace_context x;
    x.sent_ns += delay.count();
    return x;
  }

  /// Wall clock in nanoseconds.
  static std::int64_t now_ns() noexcept;
};

/// Starts a trace on this thread for the life of the object: in a gRPC handler, around the
/// messages that it sends.
class trace_scope {
public:
  explicit trace_scope(std::uint64_t trace);
  /// Continues where `position` stood (work on the I/O pool, callbacks).
  explicit trace_scope(const trace_position& position);
  ~trace_scope();
  trace_scope(const trace_scope&) = delete;
  trace_scope& operator=(const trace_scope&) = delete;

private:
  trace_position before_;
};

std::uint64_t new_trace_id() noexcept;

enum class message_outcome : std::uint8_t { handled = 0, dropped = 1, threw = 2, event = 3 };

/// One message that an actor handled (or that came too late).
struct trace_record {
  std::uint64_t trace = 0;
  std::uint64_t span = 0;
  std::uint64_t parent_span = 0;
  std::int64_t sent_ns = 0;
  std::uint64_t queued_ns = 0;
  std::uint64_t handled_ns = 0;
  actor_label from = 0;
  actor_label to = 0;
  std::uint16_t message = 0; ///< index of an interned name
  message_outcome outcome = message_outcome::handled;
};

/// The rings that records go to: fixed-size records, a total budget, no lock, the oldest are
/// overwritten. Process-wide, since every thread writes to it.
namespace trace_log {

/// Sets the budget; call before the first actor. 0 turns recording off. Default 16 MiB.
void set_budget(std::size_t bytes);

void write(const trace_record& record) noexcept;

/// A message-less event of the current trace: spawned, exited, restarted.
void note(std::string_view what, actor_label who) noexcept;

/// Copies of the records that are still there, by time. Some may be overwritten while reading:
/// those are left out.
std::vector<trace_record> of_trace(std::uint64_t trace);
std::vector<trace_record> recent(std::size_t limit);
/// The last messages that actors of this name have handled.
std::vector<trace_record> handled_by(actor_label who, std::size_t limit);

/// Since the budget was set: records, and those of them that newer ones have replaced.
std::uint64_t written();
std::uint64_t overwritten();

/// How many records there is room for.
std::size_t capacity();

} // namespace trace_log

/// Interns a name; the same name gives the same index. Takes a lock: at spawn, not per message.
std::uint16_t intern_name(std::string_view name);
std::string interned_name(std::uint16_t index);

} // namespace expbuild
