#pragma once
#include "services/http_exchange.hpp"
#include "services/json.hpp"

#include <chrono>
#include <string>

namespace expbuild {

/// An answer without an end: server-sent events
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html), as many as there are, until
/// the client goes or nothing follows. One write at a time. On the HTTP thread alone.
class http_text_stream : public http_handler {
public:
  using http_handler::http_handler;

protected:
  virtual void opened() {}
  /// The next event; empty: there is none now.
  virtual std::string next_event() = 0;
  /// With none: none follows.
  virtual bool is_over() const = 0;
  /// There is none now, and some may follow.
  virtual void idle() {}

  static std::string event(const char* name, const google::protobuf::Message& data) {
    return std::string("event: ") + name + "\ndata: " + to_json(data, json_form::one_line) + "\n\n";
  }

  /// Something may be there now, or so much time has gone by that a sign of life is due: so a
  /// client that is gone is noticed.
  void go_on() {
    if (sending_)
      return;
    std::string text;
    while (text.size() < bytes_at_once) {
      auto one = next_event();
      if (one.empty())
        break;
      text += one;
    }
    if (text.empty() && is_over())
      return exchange().abort();
    if (text.empty() && std::chrono::steady_clock::now() - last_sent_ > heartbeat)
      text = ": still here\n\n";
    if (text.empty())
      return idle();
    send(std::move(text));
  }

  static constexpr std::chrono::seconds heartbeat{15};

private:
  static constexpr std::size_t bytes_at_once = 64 << 10;

  void begin() override {
    if (!exchange().begin({.content_type = "text/event-stream",
                           .length = http_head::endless,
                           .more = {{"Cache-Control", "no-store"}}}))
      return;
    opened(); // first: who has read that this began misses nothing that happens then
    send(": these are events\n\n");
  }

  void send(std::string text) {
    sending_ = true;
    text_ = std::move(text);
    last_sent_ = std::chrono::steady_clock::now();
    exchange().send(text_, next([this] {
                      sending_ = false;
                      go_on();
                    }));
  }

  std::string text_;
  bool sending_ = false;
  std::chrono::steady_clock::time_point last_sent_;
};

} // namespace expbuild
