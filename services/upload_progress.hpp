#pragma once
#include "storage/digest.hpp"

#include "google/bytestream/bytestream.pb.h"

#include <absl/status/status.h>

#include <cstdint>
#include <string>

namespace expbuild {

/// What one upload is of and how much of it has come. Plain data.
struct upload_progress {
  digest id;
  std::string name;          ///< the resource name
  std::int64_t received = 0; ///< with what is being stored
  bool finished = false;     ///< finish_write has come

  /// Counts this message. INVALID_ARGUMENT when it does not go on where the one before ended.
  absl::Status take(const google::bytestream::WriteRequest& message);

  /// For messages to people.
  std::string where() const { return "writing '" + name.substr(0, 300) + "'"; }
};

} // namespace expbuild
