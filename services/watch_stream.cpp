#include "services/watch_stream.hpp"

#include "services/status_report.hpp"
#include "services/watch_queue.hpp"

#include <caf/send.hpp>
#include <grpcpp/alarm.h>

#include <algorithm>

namespace expbuild {

namespace {

using admin::v1::WatchEvent;

constexpr std::chrono::milliseconds shortest_interval{250};
constexpr std::chrono::milliseconds longest_interval{3'600'000};
/// Workers change without a message of theirs: they are looked at as often as this.
constexpr std::chrono::milliseconds worker_interval{1000};

/// The call owns one reference, until gRPC is done with it.
class watch_stream final : public grpc::ServerWriteReactor<WatchEvent>,
                           public std::enable_shared_from_this<watch_stream> {
public:
  watch_stream(context_ptr context, rpc_meter& meter, const grpc::ServerContextBase& call,
               const admin::v1::WatchRequest& request)
      : context_(std::move(context)), timer_(meter), place_(context_->calls->enter_stream(call)),
        request_(request), interval_(status_interval(request)), listener_(new_watcher()) {}

  void begin() {
    self_ = shared_from_this();
    queue_ = std::make_shared<watch_queue>([me = weak_from_this()] {
      if (const auto stream = me.lock())
        stream->go_on();
    });
    if (!place_.admission().ok())
      return end(place_.admission());
    if (request_.actions())
      caf::anon_send(context_->recorder, watch_actions{.trace = {}, .listener = listener_},
                     action_sink(queue_));
    if (request_.workers() || interval_.count() > 0)
      look();
  }

private:
  // ---- statuses ----

  void look() {
    report_status(context_, [me = weak_from_this()](const admin::v1::Status& status) {
      if (const auto stream = me.lock()) {
        stream->queue_->take(status, stream->interval_.count() > 0, stream->request_.workers());
        stream->look_later();
      }
    });
  }

  void look_later() {
    const std::lock_guard lock(guard_);
    if (ended_)
      return;
    const auto pause = interval_.count() > 0 ? interval_ : worker_interval;
    alarm_.emplace(); // a new one: the old one may be calling us
    alarm_->Set(std::chrono::system_clock::now() + pause, [me = weak_from_this()](bool due) {
      if (const auto stream = me.lock(); stream && due)
        stream->look();
    });
  }

  // ---- writing ----

  void go_on() {
    {
      const std::lock_guard lock(guard_);
      if (ended_ || writing_)
        return;
      auto next = queue_->pop();
      if (next) {
        writing_ = true;
        event_ = *std::move(next);
      }
    }
    if (writing_)
      StartWrite(&event_);
    else if (const auto why = queue_->ended())
      end(*why);
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(guard_);
      writing_ = false;
    }
    if (ok)
      go_on();
    else
      end(absl::CancelledError("the client is gone"));
  }

  void OnCancel() override { end(absl::CancelledError("the client is gone")); }

  void end(const absl::Status& status) {
    {
      const std::lock_guard lock(guard_);
      if (std::exchange(ended_, true))
        return;
    }
    Finish(timer_.ended(status));
  }

  void OnDone() override {
    caf::anon_send(context_->recorder, unwatch_actions{.trace = {}, .listener = listener_});
    self_.reset();
  }

  const context_ptr context_;
  rpc_timer timer_;
  const call_budget::place place_;
  const admin::v1::WatchRequest request_;
  const std::chrono::milliseconds interval_;
  const std::uint64_t listener_;
  std::shared_ptr<watch_stream> self_;
  std::shared_ptr<watch_queue> queue_;

  std::mutex guard_;
  bool writing_ = false;
  bool ended_ = false;
  WatchEvent event_;
  std::optional<grpc::Alarm> alarm_;
};

} // namespace

std::chrono::milliseconds status_interval(const admin::v1::WatchRequest& request) {
  if (!request.has_status_every())
    return std::chrono::milliseconds(0);
  const auto& x = request.status_every();
  const auto seconds = std::clamp<std::int64_t>(x.seconds(), 0, 3600);
  return std::clamp(std::chrono::milliseconds(seconds * 1000 + x.nanos() / 1'000'000),
                    shortest_interval, longest_interval);
}

grpc::ServerWriteReactor<WatchEvent>* watch_all(const context_ptr& context, rpc_meter& meter,
                                                const grpc::ServerContextBase& call,
                                                const admin::v1::WatchRequest& request) {
  auto stream = std::make_shared<watch_stream>(context, meter, call, request);
  stream->begin();
  return stream.get();
}

} // namespace expbuild
