#pragma once
#include "actors/log_ring.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace expbuild {

/// One who reads the log, as a GetLogRequest says. It holds no line but those of its next answers,
/// and these the ring has as well until it lets them go: a slow reader costs at most the ring once
/// more. One thread at a time.
class log_reader {
public:
  /// INVALID_ARGUMENT for a level that is none, or for a text to look for above 1,000 bytes.
  static absl::StatusOr<log_reader> make(std::shared_ptr<log_ring> ring,
                                         const admin::v1::GetLogRequest& request);

  /// The next line that fits; nothing: there is none now. Lines that were gone before they could
  /// be read are told in a line of their own.
  std::optional<admin::v1::LogLine> next();

  /// With nothing more to be read: OK when no more was asked for, UNAVAILABLE when the daemon
  /// stops; nothing while it follows.
  std::optional<absl::Status> ended() const;

  /// Calls once when it is worth asking again; see log_ring::wait for what may be called.
  void when_more(const std::weak_ptr<const log_ring::follower>& who) {
    ring_->wait(place_, round_, who);
  }

private:
  log_reader(std::shared_ptr<log_ring> ring, const admin::v1::GetLogRequest& request,
             spdlog::level::level_enum level)
      : ring_(std::move(ring)), request_(request), level_(level), round_(ring_->round()) {}

  bool fits(const log_line& line) const;
  void begin();
  bool look();

  std::shared_ptr<log_ring> ring_;
  admin::v1::GetLogRequest request_;
  spdlog::level::level_enum level_;
  std::uint64_t round_;
  bool begun_ = false;
  std::uint64_t place_ = 0;
  std::uint64_t lost_ = 0;
  std::deque<log_line_ptr> found_;
};

} // namespace expbuild
