#include "services/http_event_stream.hpp"

#include "services/json.hpp"
#include "services/status_report.hpp"
#include "services/watch_queue.hpp"
#include "services/watch_stream.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

using admin::v1::WatchEvent;

/// With nothing to tell, something is sent all the same: so a client that is gone is noticed.
constexpr std::chrono::seconds heartbeat{15};
constexpr std::chrono::milliseconds worker_interval{1000};
constexpr std::size_t bytes_at_once = 64 << 10;

std::string line_of(const WatchEvent& x) {
  const auto event = [](const char* name, const google::protobuf::Message& data) {
    return std::string("event: ") + name + "\ndata: " + to_json(data, json_form::one_line) + "\n\n";
  };
  switch (x.what_case()) {
  case WatchEvent::kAction:
    return event("action", x.action());
  case WatchEvent::kWorker:
    return event("worker", x.worker());
  case WatchEvent::kStatus:
    return event("status", x.status());
  case WatchEvent::kLost:
    return event("lost", x.lost());
  case WatchEvent::WHAT_NOT_SET:
    break;
  }
  return {};
}

class event_stream final : public http_handler {
public:
  event_stream(http_exchange& exchange, context_ptr context, const admin::v1::WatchRequest& request)
      : http_handler(exchange), context_(std::move(context)), request_(request),
        interval_(status_interval(request)), listener_(new_watcher()) {}
  ~event_stream() override {
    caf::anon_send(context_->recorder, unwatch_actions{.trace = {}, .listener = listener_});
  }

private:
  void begin() override {
    if (!exchange().begin({.content_type = "text/event-stream",
                           .length = http_head::endless,
                           .more = {{"Cache-Control", "no-store"}}}))
      return;
    auto wake = back<int>([this](int) { send_more(); });
    queue_ = std::make_shared<watch_queue>([wake] { wake(0); });
    if (request_.actions())
      caf::anon_send(context_->recorder, watch_actions{.trace = {}, .listener = listener_},
                     action_sink(queue_));
    send(": this is a stream of events\n\n");
    look();
  }

  void look() {
    if (!request_.workers() && interval_.count() == 0)
      return tick_later(heartbeat);
    report_status(context_, back<admin::v1::Status>([this](const admin::v1::Status& status) {
                    queue_->take(status, interval_.count() > 0, request_.workers());
                    tick_later(interval_.count() > 0 ? interval_ : worker_interval);
                  }));
  }

  void tick_later(std::chrono::milliseconds pause) {
    exchange().call_after(pause, next([this] {
                            if (std::chrono::steady_clock::now() - last_sent_ > heartbeat)
                              send(": still here\n\n");
                            look();
                          }));
  }

  /// One write at a time; what comes meanwhile waits in the queue.
  void send_more() {
    if (sending_)
      return;
    std::string text;
    while (text.size() < bytes_at_once)
      if (const auto event = queue_->pop())
        text += line_of(*event);
      else
        break;
    if (!text.empty())
      send(std::move(text));
    else if (queue_->ended())
      exchange().abort();
  }

  void send(std::string text) {
    if (sending_)
      return;
    sending_ = true;
    sent_ = std::move(text);
    last_sent_ = std::chrono::steady_clock::now();
    exchange().send(sent_, next([this] {
                      sending_ = false;
                      send_more();
                    }));
  }

  const context_ptr context_;
  const admin::v1::WatchRequest request_;
  const std::chrono::milliseconds interval_;
  const std::uint64_t listener_;
  std::shared_ptr<watch_queue> queue_;
  std::string sent_;
  bool sending_ = false;
  std::chrono::steady_clock::time_point last_sent_;
};

} // namespace

std::shared_ptr<http_handler> make_event_stream(http_exchange& exchange, context_ptr context,
                                                const admin::v1::WatchRequest& request) {
  return std::make_shared<event_stream>(exchange, std::move(context), request);
}

} // namespace expbuild
