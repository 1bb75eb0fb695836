#include "services/http_session.hpp"

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace expbuild {

namespace http = boost::beast::http;
using boost::system::error_code;

http_session::http_session(http_connections& owner, std::uint64_t id,
                           boost::asio::ip::tcp::socket socket)
    : owner_(owner), id_(id), stream_(std::move(socket)),
      buffer_(owner.options.max_header_bytes + 1024), patience_(owner.io) {}

void http_session::read() {
  request_.emplace();
  request_->header_limit(owner_.options.max_header_bytes);
  stream_.expires_after(owner_.options.timeout);
  http::async_read_header(
      stream_, buffer_, *request_, [me = shared_from_this()](error_code error, std::size_t) {
        if (!error)
          return me->answer();
        if (error == http::error::header_limit)
          return me->write({.status = 431, .body = "the header is too large\n"});
        me->close();
      });
}

void http_session::answer() {
  const auto& request = request_->get();
  waiting_ = true;
  if (request.method() != http::verb::get && request.method() != http::verb::head)
    return write({.status = 405, .body = "only GET and HEAD are answered here\n"});
  patience_.expires_after(owner_.options.timeout);
  patience_.async_wait([me = shared_from_this()](error_code error) {
    if (!error)
      me->write({.status = 503, .body = "the server is too busy to say\n"});
  });
  owner_.pages.get(std::string(request.target()),
                   [owner = owner_.weak_from_this(), id = id_](http_page page) {
                     if (const auto alive = owner.lock())
                       alive->post_page(id, std::move(page));
                   });
}

void http_session::write(http_page page) {
  if (!waiting_ && page.status != 431)
    return;
  waiting_ = false;
  patience_.cancel();
  const auto& request = request_->get();
  const bool plain = request_->is_header_done() && !request.chunked()
                     && request_->content_length_remaining().value_or(0) == 0;
  response_ = {static_cast<http::status>(page.status), 11};
  response_.set(http::field::server, "expbuild");
  response_.set(http::field::content_type, page.content_type);
  if (page.status == 405)
    response_.set(http::field::allow, "GET, HEAD");
  response_.keep_alive(plain && page.status == 200 && request.keep_alive());
  response_.content_length(page.body.size());
  if (request.method() != http::verb::head)
    response_.body() = std::move(page.body);
  stream_.expires_after(owner_.options.timeout);
  http::async_write(stream_, response_, [me = shared_from_this()](error_code error, std::size_t) {
    if (error || me->response_.need_eof() || !me->response_.keep_alive())
      return me->close();
    me->read();
  });
}

void http_session::close() {
  error_code ignored;
  stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.close();
  patience_.cancel();
  owner_.drop(id_);
}

} // namespace expbuild
