#pragma once
#include "actors/pool_messages.hpp"
#include "actors/recorder_messages.hpp"
#include "actors/reply.hpp"
#include "actors/stall.hpp"
#include "actors/trace.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>
#include <vector>

/// What the sentinel hears and is asked, and what it answers (see messages.hpp).

namespace expbuild {

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

} // namespace expbuild

#define EXPBUILD_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::type)
EXPBUILD_MESSAGE(get_stalls)
EXPBUILD_MESSAGE(actions_live)
EXPBUILD_MESSAGE(house_seen)
EXPBUILD_MESSAGE(reply<std::vector<expbuild::stall>>)
#undef EXPBUILD_MESSAGE
