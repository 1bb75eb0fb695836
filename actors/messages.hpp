#pragma once
#include "actors/action_cache_messages.hpp"
#include "actors/cas_messages.hpp"
#include "actors/operation_messages.hpp"
#include "actors/pool_messages.hpp"
#include "actors/recorder_messages.hpp"
#include "actors/reply.hpp"
#include "actors/sentinel_messages.hpp"
#include "actors/trace.hpp"
#include "actors/worker/worker_messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>

/// Everything that actors say to each other: one header for whoever hears it, and here what all
/// hear. Messages are structs, begin with a trace_context, and carry digests and handles, never
/// bytes. They stay inside the process: none is ever serialised. Requests are imperatives, answers
/// participles or nouns, events what happened.

namespace expbuild {

/// To those that nothing can replace: do you answer? (answer: unit, at once)
struct ping {
  trace_context trace;
};

/// INTERNAL: a timer to oneself; an outdated generation is ignored.
struct tick {
  trace_context trace;
  std::uint64_t generation = 0;
};

} // namespace expbuild

#define EXPBUILD_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::type)
EXPBUILD_MESSAGE(ping)
EXPBUILD_MESSAGE(tick)
EXPBUILD_MESSAGE(reply<expbuild::unit>)
#undef EXPBUILD_MESSAGE
