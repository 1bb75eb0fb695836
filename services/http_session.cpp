#include "services/http_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <ctime>
#include <limits>

namespace expbuild {

namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

/// So much of a body that nobody wants is read, so that the connection can go on.
constexpr std::int64_t max_discarded = 1 << 20;
/// For a client that is still sending to see the answer, before the connection is closed.
constexpr std::chrono::seconds linger_time{5};
constexpr std::size_t swallow_bytes = 4096;
constexpr std::size_t page_bytes_at_once = 64 << 10;

constexpr std::string_view invitation = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view view(boost::beast::string_view x) {
  return {x.data(), x.size()};
}

boost::beast::string_view view(std::string_view x) {
  return {x.data(), x.size()};
}

/// IMF-fixdate, the names in English (RFC 9110, 5.6.7): nobody sets another locale here.
std::string date_now() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

} // namespace

http_session::http_session(http_connections& owner, std::uint64_t id,
                           boost::asio::ip::tcp::socket socket)
    : owner_(owner), id_(id), stream_(std::move(socket)),
      buffer_(owner.options.max_header_bytes + swallow_bytes), later_(owner.io),
      patience_(owner.io) {
  error_code ignored;
  stream_.socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
}

// ---- the request -------------------------------------------------------------------------------

void http_session::start() {
  read(owner_.options.timeout);
}

void http_session::read(std::chrono::milliseconds patience) {
  request_.emplace();
  request_->header_limit(owner_.options.max_header_bytes);
  request_->body_limit(boost::none);
  to_receive_ = 0;
  endless_ = false;
  awaits_invitation_ = false;
  stream_.expires_after(patience);
  http::async_read_header(stream_, buffer_, *request_,
                          [me = shared_from_this()](error_code error, std::size_t) {
                            me->idle_ = false;
                            if (!error)
                              return me->route();
                            if (error != http::error::header_limit)
                              return me->close();
                            me->endless_ = true;
                            me->where_ = http_route::other;
                            me->began_ = std::chrono::steady_clock::now();
                            me->answer({.status = 431, .body = "the header is too large\n"});
                          });
}

void http_session::route() {
  const auto& request = request_->get();
  endless_ = request.chunked();
  to_receive_ = length().value_or(0);
  awaits_invitation_ = boost::beast::iequals(request[http::field::expect], "100-continue");
  began_ = std::chrono::steady_clock::now();
  const auto routed = owner_.router.route(*this);
  where_ = routed.where;
  handler_ = routed.handler;
  routed.handler->start();
}

std::string_view http_session::method() const {
  return view(request_->get().method_string());
}

std::string_view http_session::target() const {
  return view(request_->get().target());
}

std::string_view http_session::header(std::string_view name) const {
  return view(request_->get()[view(name)]);
}

std::optional<std::int64_t> http_session::length() const {
  const auto told = request_->content_length();
  if (!told || endless_)
    return std::nullopt;
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(*told, std::numeric_limits<std::int64_t>::max()));
}

// ---- its body ----------------------------------------------------------------------------------

void http_session::receive(std::span<char> into, std::function<void(std::size_t)> then) {
  ++waiting_;
  if (std::exchange(awaits_invitation_, false) && buffer_.size() == 0)
    return invite(into, std::move(then));
  const auto wanted = std::min<std::int64_t>(static_cast<std::int64_t>(into.size()), to_receive_);
  const boost::asio::mutable_buffer place(into.data(), static_cast<std::size_t>(wanted));
  if (buffer_.size() > 0) {
    const auto n = boost::asio::buffer_copy(place, buffer_.data());
    buffer_.consume(n);
    to_receive_ -= static_cast<std::int64_t>(n);
    return then(n);
  }
  stream_.expires_after(owner_.options.timeout);
  stream_.async_read_some(
      place, [me = shared_from_this(), then = std::move(then)](error_code error, std::size_t n) {
        if (error)
          return me->close();
        me->to_receive_ -= static_cast<std::int64_t>(n);
        then(n);
      });
}

void http_session::invite(std::span<char> into, std::function<void(std::size_t)> then) {
  stream_.expires_after(owner_.options.timeout);
  boost::asio::async_write(
      stream_, boost::asio::buffer(invitation),
      [me = shared_from_this(), into, then = std::move(then)](error_code error, std::size_t) {
        if (error)
          return me->close();
        me->receive(into, then);
      });
}

void http_session::discard_then_answer() {
  const auto here = std::min<std::int64_t>(to_receive_, static_cast<std::int64_t>(buffer_.size()));
  buffer_.consume(static_cast<std::size_t>(here));
  to_receive_ -= here;
  if (to_receive_ == 0)
    return answer(std::move(page_));
  stream_.expires_after(owner_.options.timeout);
  const auto wanted = std::min<std::int64_t>(to_receive_, swallow_bytes);
  stream_.async_read_some(buffer_.prepare(static_cast<std::size_t>(wanted)),
                          [me = shared_from_this()](error_code error, std::size_t n) {
                            if (error)
                              return me->close();
                            me->to_receive_ -= static_cast<std::int64_t>(n);
                            me->discard_then_answer();
                          });
}

// ---- the answer --------------------------------------------------------------------------------

void http_session::answer(http_page page) {
  ++waiting_;
  page_ = std::move(page);
  if (to_receive_ > 0 && to_receive_ <= max_discarded && !awaits_invitation_)
    return discard_then_answer();
  if (begin({.status = page_.status,
             .content_type = page_.content_type,
             .length = static_cast<std::int64_t>(page_.body.size()),
             .allow = page_.allow,
             .more = page_.more}))
    send_page(0);
}

/// In pieces, since the time that a client has is for one write.
void http_session::send_page(std::size_t from) {
  const auto piece = std::span<const char>(page_.body)
                         .subspan(from)
                         .first(std::min(page_bytes_at_once, page_.body.size() - from));
  send(piece, [this, next = from + piece.size()] { send_page(next); });
}

bool http_session::begin(const http_head& head) {
  ++waiting_;
  patience_.cancel();
  owner_.router.meters().http_answered(where_, head.status);
  const auto& request = request_->get();
  const bool has_end = head.length != http_head::endless;
  goes_on_ = has_end && request_->is_header_done() && !endless_ && to_receive_ == 0
             && request.keep_alive();
  response_.emplace(static_cast<http::status>(head.status), 11u);
  response_->set(http::field::server, "expbuild");
  response_->set(http::field::date, date_now());
  response_->set(http::field::content_type, head.content_type);
  if (!head.allow.empty())
    response_->set(http::field::allow, head.allow);
  if (!head.content_range.empty())
    response_->set(http::field::content_range, head.content_range);
  for (const auto& [name, value] : head.more)
    response_->set(name, value);
  response_->keep_alive(goes_on_);
  if (has_end)
    response_->content_length(static_cast<std::uint64_t>(head.length));
  response_->body().more = false;
  writer_.emplace(*response_);
  to_send_ = request.method() == http::verb::head ? 0
             : has_end                            ? head.length
                                                  : std::numeric_limits<std::int64_t>::max();
  if (to_send_ > 0)
    return true;
  stream_.expires_after(owner_.options.timeout);
  http::async_write_header(stream_, *writer_,
                           [me = shared_from_this()](error_code error, std::size_t) {
                             if (error)
                               return me->close();
                             me->sent();
                           });
  return false;
}

void http_session::send(std::span<const char> bytes, std::function<void()> then) {
  to_send_ -= static_cast<std::int64_t>(bytes.size());
  auto& body = response_->body();
  body.data = const_cast<char*>(bytes.data()); // Beast writes from there, and not to it
  body.size = bytes.size();
  body.more = to_send_ > 0;
  stream_.expires_after(owner_.options.timeout);
  http::async_write(
      stream_, *writer_,
      [me = shared_from_this(), then = std::move(then)](error_code error, std::size_t) {
        if (error && error != http::error::need_buffer)
          return me->close();
        if (me->to_send_ > 0)
          return then();
        me->sent();
      });
}

void http_session::sent() {
  owner_.router.meters().http_took(where_, std::chrono::steady_clock::now() - began_);
  later_.cancel();
  handler_.reset();
  writer_.reset();
  response_.reset();
  page_ = {};
  if (goes_on_) {
    idle_ = buffer_.size() == 0;
    return read(owner_.options.idle_timeout);
  }
  if (to_receive_ > 0 || endless_)
    return linger();
  close();
}

void http_session::call_after(std::chrono::milliseconds time, std::function<void()> then) {
  if (!handler_) // the exchange is over: a timer would hold the thread up
    return;
  later_.expires_after(time);
  later_.async_wait([me = shared_from_this(), handler = std::weak_ptr(handler_),
                     then = std::move(then)](error_code error) {
    if (!error && handler.lock() && handler.lock() == me->handler_)
      then();
  });
}

void http_session::expect_answer_within(std::chrono::milliseconds time) {
  if (!handler_)
    return;
  patience_.expires_after(time);
  patience_.async_wait([me = shared_from_this(), waiting = ++waiting_](error_code) {
    if (me->waiting_ != waiting || !me->handler_)
      return;
    me->handler_.reset();
    me->answer({.status = 503, .body = "the server is too busy to say; try again\n"});
  });
}

// ---- the end -----------------------------------------------------------------------------------

/// Closing while there are bytes that nobody has read would reset the connection, and the client
/// might never see the answer.
void http_session::linger() {
  error_code ignored;
  stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  buffer_.clear();
  stream_.expires_after(linger_time);
  swallow();
}

void http_session::swallow() {
  stream_.async_read_some(buffer_.prepare(swallow_bytes),
                          [me = shared_from_this()](error_code error, std::size_t) {
                            if (error)
                              return me->close();
                            me->swallow();
                          });
}

void http_session::close() {
  const auto me = shared_from_this();
  ++waiting_;
  error_code ignored;
  stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.close();
  later_.cancel();
  patience_.cancel();
  handler_.reset();
  owner_.drop(id_);
}

} // namespace expbuild
