#include "services/watch_stream.hpp"

#include "services/status_report.hpp"
#include "services/watch_queue.hpp"
#include "services/written_stream.hpp"

#include <caf/send.hpp>
#include <grpcpp/alarm.h>

#include <algorithm>

namespace expbuild {

namespace {

using admin::v1::WatchEvent;

constexpr std::chrono::milliseconds shortest_interval{250};
constexpr std::chrono::milliseconds longest_interval{3'600'000};

class watch_stream final : public written_stream<WatchEvent> {
public:
  watch_stream(context_ptr context, rpc_meter& meter, const grpc::ServerContextBase& call,
               const admin::v1::WatchRequest& request)
      : written_stream(context, meter, call), context_(std::move(context)), request_(request),
        interval_(status_interval(request)), listener_(new_watcher()) {}

private:
  std::weak_ptr<watch_stream> me() {
    return std::static_pointer_cast<watch_stream>(shared_from_this());
  }

  void opened() override {
    queue_ = std::make_shared<watch_queue>([me = me()] {
      if (const auto stream = me.lock())
        stream->go_on();
    });
    if (request_.actions())
      caf::anon_send(context_->recorder, watch_actions{.trace = {}, .listener = listener_},
                     action_sink(queue_));
    if (request_.workers() || interval_.count() > 0)
      look();
  }

  void closed() override {
    caf::anon_send(context_->recorder, unwatch_actions{.trace = {}, .listener = listener_});
  }

  std::optional<WatchEvent> next() override { return queue_->pop(); }
  std::optional<absl::Status> over() const override { return queue_->ended(); }

  /// One answer at a time: the next question comes after it.
  void look() {
    report_status(context_, [me = me()](const admin::v1::Status& status) {
      if (const auto stream = me.lock()) {
        stream->queue_->take(status, stream->interval_.count() > 0, stream->request_.workers());
        stream->look_later();
      }
    });
  }

  void look_later() {
    const auto pause = interval_.count() > 0 ? interval_ : worker_interval;
    alarm_.emplace(); // a new one: the old one may be calling us
    alarm_->Set(std::chrono::system_clock::now() + pause, [me = me()](bool due) {
      if (const auto stream = me.lock(); stream && due)
        stream->look();
    });
  }

  const context_ptr context_;
  const admin::v1::WatchRequest request_;
  const std::chrono::milliseconds interval_;
  const std::uint64_t listener_;
  std::shared_ptr<watch_queue> queue_;
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
