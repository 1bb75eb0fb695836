#include "services/http_event_stream.hpp"

#include "services/http_text_stream.hpp"
#include "services/status_report.hpp"
#include "services/watch_queue.hpp"
#include "services/watch_stream.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

using admin::v1::WatchEvent;

class event_stream final : public http_text_stream {
public:
  event_stream(http_exchange& exchange, context_ptr context, const admin::v1::WatchRequest& request)
      : http_text_stream(exchange), context_(std::move(context)), request_(request),
        interval_(status_interval(request)), listener_(new_watcher()) {}
  ~event_stream() override {
    caf::anon_send(context_->recorder, unwatch_actions{.trace = {}, .listener = listener_});
  }

private:
  void opened() override {
    auto wake = back<int>([this](int) { go_on(); });
    queue_ = std::make_shared<watch_queue>([wake] { wake(0); });
    if (request_.actions())
      caf::anon_send(context_->recorder, watch_actions{.trace = {}, .listener = listener_},
                     action_sink(queue_));
    look();
  }

  std::string next_event() override {
    const auto x = queue_->pop();
    if (!x)
      return {};
    switch (x->what_case()) {
    case WatchEvent::kAction:
      return event("action", x->action());
    case WatchEvent::kWorker:
      return event("worker", x->worker());
    case WatchEvent::kStatus:
      return event("status", x->status());
    case WatchEvent::kLost:
      return event("lost", x->lost());
    case WatchEvent::WHAT_NOT_SET:
      break;
    }
    return {};
  }

  bool is_over() const override { return queue_->ended().has_value(); }

  void look() {
    if (!request_.workers() && interval_.count() == 0)
      return look_later(heartbeat);
    report_status(context_, back<admin::v1::Status>([this](const admin::v1::Status& status) {
                    queue_->take(status, interval_.count() > 0, request_.workers());
                    look_later(interval_.count() > 0 ? interval_ : worker_interval);
                  }));
  }

  void look_later(std::chrono::milliseconds pause) {
    exchange().call_after(pause, next([this] {
                            go_on(); // a sign of life may be due
                            look();
                          }));
  }

  const context_ptr context_;
  const admin::v1::WatchRequest request_;
  const std::chrono::milliseconds interval_;
  const std::uint64_t listener_;
  std::shared_ptr<watch_queue> queue_;
};

} // namespace

std::shared_ptr<http_handler> make_event_stream(http_exchange& exchange, context_ptr context,
                                                const admin::v1::WatchRequest& request) {
  return std::make_shared<event_stream>(exchange, std::move(context), request);
}

} // namespace expbuild
