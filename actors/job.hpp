#pragma once
#include "storage/digest.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace expbuild {

/// Platform properties, several values for one name allowed.
using platform_properties = std::multimap<std::string, std::string>;

/// An Action with its Command, read and checked.
struct loaded_action {
  digest id;
  digest command_id;
  digest input_root;
  reapi::Command command;
  platform_properties platform;
  std::chrono::nanoseconds timeout{0}; ///< never 0: the server's default when the client set none
  bool do_not_cache = false;
};

/// One loaded action on its way to a worker. Immutable once submitted.
struct job {
  std::uint64_t execution = 0; ///< which operation actor waits for it
  std::shared_ptr<const loaded_action> action;
  std::int32_t priority = 0; ///< lower runs sooner
  std::chrono::system_clock::time_point queued_at;
};
using job_ptr = std::shared_ptr<const job>;

} // namespace expbuild
