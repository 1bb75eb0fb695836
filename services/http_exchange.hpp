#pragma once
#include "actors/trace.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace expbuild {

using http_headers = std::vector<std::pair<std::string, std::string>>;

/// What a small answer is made of.
struct http_page {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
  std::string allow = {}; ///< with 405: the methods that there are
  http_headers more = {};
};

/// Begins an answer whose bytes follow.
struct http_head {
  int status = 200;
  std::string content_type = "application/octet-stream";
  std::int64_t length = 0;        ///< `endless`: until the handler or the client ends it
  std::string content_range = {}; ///< with 206 and 416
  std::string allow = {};
  http_headers more = {};

  static constexpr std::int64_t endless = -1;
};

/// Runs work on the HTTP thread; drops it once the endpoint is gone. Any thread.
using http_poster = std::function<void(std::function<void()>)>;

/// One request and its answer, as a handler sees it. Everything happens on the HTTP thread, one
/// thing at a time: the handler receives, sends, or does something of its own. A client that goes
/// or stalls ends the exchange: the handler is destroyed, what was to follow is dropped. So is it
/// when the answer is complete or has been broken off; then the exchange must not be touched again.
class http_exchange {
public:
  virtual ~http_exchange() = default;

  virtual std::string_view method() const = 0;
  virtual std::string_view target() const = 0;
  /// Empty when there is none.
  virtual std::string_view header(std::string_view name) const = 0;
  /// Of the request's body; nullopt when the client does not tell.
  virtual std::optional<std::int64_t> length() const = 0;

  /// Receives the next bytes of a body of known length, at least one. Not beyond its end.
  virtual void receive(std::span<char> into, std::function<void(std::size_t)> then) = 0;

  /// False: that was the whole answer, since nobody wants its bytes (HEAD) or there are none.
  [[nodiscard]] virtual bool begin(const http_head& head) = 0;
  /// The next bytes after `begin`, which stay valid until `then`; all of them together are as many
  /// as the head says. `then` is called while there are more to come.
  virtual void send(std::span<const char> bytes, std::function<void()> then) = 0;

  /// A whole answer. What is left of a small body is read first, so that the connection can go on.
  virtual void answer(http_page page) = 0;
  /// Breaks off in the middle of an answer: the client sees that it is not complete.
  virtual void abort() = 0;

  /// Calls `then` once, after this time, unless the exchange is over by then; a later call takes
  /// the place of one that is still to come.
  virtual void call_after(std::chrono::milliseconds time, std::function<void()> then) = 0;

  /// Answers 503 unless the handler begins an answer, or receives, or the exchange is over by then.
  virtual void expect_answer_within(std::chrono::milliseconds time) = 0;

  virtual http_poster poster() const = 0;
};

/// Answers one request. Belongs to its exchange; destroyed when that is over.
class http_handler : public std::enable_shared_from_this<http_handler> {
public:
  explicit http_handler(http_exchange& exchange)
      : exchange_(exchange), post_(exchange.poster()), trace_(new_trace_id()) {}
  virtual ~http_handler() = default;
  http_handler(const http_handler&) = delete;
  http_handler& operator=(const http_handler&) = delete;

  void start() {
    const trace_scope scope(trace_);
    begin();
  }

protected:
  http_exchange& exchange() const { return exchange_; }

  /// A callback for any thread: `then` runs with what it is given, on the HTTP thread and in this
  /// request's trace, unless the exchange is over by then.
  template <class T, class Then>
  std::function<void(T)> back(Then then) {
    return [post = post_, me = weak_from_this(), trace = trace_, then](T x) {
      post([me, trace, then, x = std::make_shared<T>(std::move(x))] {
        const auto alive = me.lock();
        const trace_scope scope(trace);
        if (alive)
          then(std::move(*x));
      });
    };
  }

  /// A continuation of receive or send: keeps the handler and its trace.
  template <class Then>
  auto next(Then then) {
    return [me = shared_from_this(), trace = trace_, then](auto... x) {
      const trace_scope scope(trace);
      then(x...);
    };
  }

private:
  virtual void begin() = 0;

  http_exchange& exchange_;
  const http_poster post_;
  const std::uint64_t trace_;
};

} // namespace expbuild
