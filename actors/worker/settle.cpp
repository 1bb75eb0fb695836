#include "actors/worker/host_abilities.hpp"

#include <algorithm>
#include <iterator>

namespace expbuild {

namespace {

/// A part of the sandbox that a system may not give: how to go on without it.
struct part {
  const char* key;
  void (*weaken)(host_sandbox&);
  const char* meaning;
};

constexpr part parts[] = {
    {"isolation", [](host_sandbox& x) { x.namespaces = false; },
     "actions see the host's files as far as their user may, and all of its programs"},
    {"network", [](host_sandbox& x) { x.host_network = true; },
     "actions reach whatever this host reaches"},
    {"max_processes", [](host_sandbox& x) { x.max_processes = 0; },
     "one action can use up the processes of the host"},
    {"max_memory_bytes", [](host_sandbox& x) { x.max_memory_bytes = 0; },
     "one action can use up the memory of the host"},
};

/// Null when nothing can take its place.
const part* find_part(const std::string& key) {
  const auto* found = std::find_if(std::begin(parts), std::end(parts),
                                   [&key](const part& x) { return x.key == key; });
  return found == std::end(parts) ? nullptr : found;
}

} // namespace

absl::StatusOr<host_sandbox> settle(host_sandbox asked, const std::set<std::string>& demanded,
                                    const host_abilities& can, std::vector<std::string>& warnings) {
  for (const auto& [key, reason] : can.lacks) {
    const auto* part = find_part(key);
    if (part == nullptr || demanded.contains(key))
      return absl::FailedPreconditionError(
          "the configuration asks for '" + key
          + "' of host workers, and this system does not give it (" + reason
          + "): make it possible, or remove the key to run with what there is");
    part->weaken(asked);
    warnings.push_back(key + " can not be had here (" + reason + "): " + part->meaning);
  }
  return asked;
}

} // namespace expbuild
