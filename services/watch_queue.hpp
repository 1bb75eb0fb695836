#pragma once
#include "actors/messages.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace expbuild {

/// What somebody who watches is still to be told. Bounded: whoever reads too slowly loses the
/// oldest events and is told how many. Any thread.
class watch_queue final : public stream_receiver<action_snapshot> {
public:
  static constexpr std::size_t most_events = 1000;

  /// `wake` is called, on any thread and without a lock held, when there is something to be read
  /// again, or the end.
  explicit watch_queue(std::function<void()> wake) : wake_(std::move(wake)) {}

  void update(action_snapshot latest) override;
  void finish(absl::Status status) override;

  /// A status, as an event of its own if asked for; and one for each worker that has changed since
  /// the last one.
  void take(const admin::v1::Status& status, bool statuses, bool workers);

  std::optional<admin::v1::WatchEvent> pop();

  /// Set when nothing follows: why.
  std::optional<absl::Status> ended() const;

private:
  void push(std::vector<admin::v1::WatchEvent> events);
  std::vector<admin::v1::WatchEvent> changes(const admin::v1::Status& status);

  const std::function<void()> wake_;
  mutable std::mutex guard_;
  std::deque<admin::v1::WatchEvent> events_;
  std::int64_t lost_ = 0;
  std::optional<absl::Status> ended_;
  std::map<std::string, std::string> workers_; ///< as they were told last, serialised
};

/// Unique in the process: names one who watches to the recorder.
std::uint64_t new_watcher() noexcept;

} // namespace expbuild
