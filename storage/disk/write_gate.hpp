#pragma once
#include <absl/status/status.h>

#include <chrono>
#include <deque>
#include <functional>
#include <mutex>

namespace expbuild {

/// Whether a disk can be written to. After three writes in ten seconds that failed in a way that
/// says "broken" (an I/O error, a filesystem that became read-only) further ones are refused at
/// once, UNAVAILABLE; every five seconds one is let through to see whether that is over. A full
/// disk or a lack of descriptors is no such failure. Safe from any number of threads.
class write_gate {
public:
  using clock = std::function<std::chrono::steady_clock::time_point()>;

  explicit write_gate(clock now = std::chrono::steady_clock::now) : now_(std::move(now)) {}

  absl::Status admit();

  /// Tells how a write went; answers the same, but that a filesystem can not be written to is
  /// UNAVAILABLE: not the client's permission is lacking.
  absl::Status ended(absl::Status status);

private:
  const clock now_;
  std::mutex guard_;
  std::deque<std::chrono::steady_clock::time_point> failures_;
  absl::Status closed_; ///< not OK: why
  std::chrono::steady_clock::time_point next_try_;
};

} // namespace expbuild
