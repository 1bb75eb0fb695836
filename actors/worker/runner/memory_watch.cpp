#include "actors/worker/runner/memory_watch.hpp"

#include <fstream>
#include <unistd.h>

namespace expbuild::runner {

memory_watch::memory_watch(const std::string& folder) {
  if (folder.empty())
    return;
  const bool version_2 = ::access((folder + "/memory.events").c_str(), R_OK) == 0;
  events_ = folder + (version_2 ? "/memory.events" : "/memory.oom_control");
  peak_ = folder + (version_2 ? "/memory.peak" : "/memory.max_usage_in_bytes");
}

std::uint64_t memory_watch::kills() const {
  if (events_.empty())
    return 0;
  std::ifstream events(events_);
  std::uint64_t value = 0;
  for (std::string name; events >> name >> value;)
    if (name == "oom_kill")
      return value;
  return 0;
}

std::int64_t memory_watch::peak_bytes() const {
  std::int64_t bytes = 0;
  std::ifstream(peak_) >> bytes;
  return bytes;
}

} // namespace expbuild::runner
