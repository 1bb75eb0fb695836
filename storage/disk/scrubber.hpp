#pragma once
#include "storage/blob_index.hpp"

#include <absl/status/status.h>

#include <chrono>
#include <functional>
#include <string>

namespace expbuild {

/// Hashes all blobs again, slowly, once a day: what rots is found before somebody needs it.
class scrubber {
public:
  struct options {
    std::int64_t bytes_a_second = 0;
    /// Forgets what is damaged. Errors are of the disk.
    std::function<absl::Status(const digest& id, blob_place place)> check;
    /// False at once when it is time to end, else true after that time.
    std::function<bool(std::chrono::milliseconds)> wait;
    std::function<void(const absl::Status&)> trouble;
    std::function<void(const std::string&)> notice;
  };

  explicit scrubber(options given) : options_(std::move(given)) {}

  /// Until `wait` says that it is time to end.
  void run(const blob_index& all) const;

private:
  const options options_;
};

} // namespace expbuild
