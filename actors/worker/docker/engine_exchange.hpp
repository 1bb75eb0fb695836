#pragma once
#include "actors/worker/docker/engine_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace expbuild {

/// One connection, one request, and what comes back: whole, or piece by piece. Lives while
/// something is under way; everything on the loop's thread.
class engine_exchange : public std::enable_shared_from_this<engine_exchange> {
public:
  engine_exchange(boost::asio::io_context& loop, const engine_client_options& options,
                  engine_request request);

  void ask(engine_client::on_answer answer);
  void follow(engine_client::on_line line, engine_client::on_end end);

  /// Closes the connection; no callback runs any more.
  void abandon();

private:
  using error_code = boost::system::error_code;

  void connect();
  void write();
  void read_whole();
  void read_header();
  void read_piece();
  void take_lines(bool at_end);
  void fail(const error_code& error);
  void finish(absl::Status status);
  absl::Status explain(const error_code& error) const;
  std::string name() const { return request_.method + " " + request_.target; }

  const engine_client_options options_;
  const engine_request request_;
  boost::beast::basic_stream<boost::asio::local::stream_protocol> stream_;
  boost::beast::flat_buffer buffer_;
  boost::beast::http::request<boost::beast::http::string_body> message_;
  boost::beast::http::response_parser<boost::beast::http::string_body> parser_;
  std::string rest_; ///< of a line
  engine_client::on_answer answer_;
  engine_client::on_line line_;
  engine_client::on_end end_;
};

} // namespace expbuild
