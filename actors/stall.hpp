#pragma once
#include <cstdint>
#include <string>

namespace expbuild {

/// What does not move although it should.
enum class stall_kind : std::uint8_t {
  silent_action,  ///< an action of which nothing was heard for too long
  stuck_slot,     ///< a worker that is busy with nothing, or with what nobody waits for
  idle_worker,    ///< an action waits for a worker, and one that fits is idle
  busy_actor,     ///< one message is handled for too long, or none at all
  growing_mailbox ///< messages come faster than they are handled
};

/// One alarm of the sentinel, in words. Plain data.
struct stall {
  stall_kind kind = stall_kind::silent_action;
  std::string what;        ///< "action 17.. on host-worker-1: no input was staged for ..."
  std::string next_step;   ///< what an operator can do
  std::string action = {}; ///< hash of the action that it is about; empty: of none
  std::uint64_t trace = 0; ///< of that action
  std::string actor = {};  ///< name of the actor that it is about; empty: of none
};

} // namespace expbuild
