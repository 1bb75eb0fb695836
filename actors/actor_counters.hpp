#pragma once
#include "actors/trace.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace expbuild {

/// What is counted of the actors that share a name. Written by those who send to them and by
/// themselves, read by whoever asks; every number is true by itself, not together with the others.
struct actor_counters {
  alignas(64) std::atomic<std::int64_t> waiting{0}; ///< messages in their mailboxes
  std::atomic<std::int64_t> most_waiting{0};
  alignas(64) std::atomic<std::uint64_t> handled{0}; ///< messages
  std::atomic<std::uint64_t> handling_ns{0};         ///< together
  std::atomic<std::uint64_t> longest_wait_ns{0};     ///< of a message, ever
  std::atomic<std::int64_t> busy_since_ns{0};        ///< with the message of now; 0: with none
  std::atomic<std::int64_t> alive{0};                ///< actors of that name
  std::atomic<std::uint64_t> dropped{0};             ///< messages that came after an actor's end
};

/// Those of a name; made on first use, and there for good.
actor_counters& counters_of(actor_label label);

struct named_counters {
  std::string name;
  const actor_counters* counters = nullptr;
};
/// All names that an actor ever had, in the order of their first spawn.
std::vector<named_counters> all_counters();

} // namespace expbuild
