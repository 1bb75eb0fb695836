#pragma once
#include "services/http_connections.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>

namespace expbuild {

/// One HTTP connection: request, page, request, page ... until the client or a timeout ends it.
/// Lives in its http_connections; runs on their thread.
class http_session : public std::enable_shared_from_this<http_session> {
public:
  http_session(http_connections& owner, std::uint64_t id, boost::asio::ip::tcp::socket socket);

  void read();
  /// The page that `read` has asked for; a second one does nothing.
  void write(http_page page);
  void close();

private:
  void answer();

  http_connections& owner_;
  const std::uint64_t id_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> request_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  boost::asio::steady_timer patience_;
  bool waiting_ = false; // for a page
};

} // namespace expbuild
