#pragma once
#include "services/http_connections.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>

namespace expbuild {

/// One HTTP connection: request, answer, request, answer ... until the client or a timeout ends it.
/// Who answers, the router decides; the session moves the bytes, and holds none of a body. Lives in
/// its http_connections; runs on their thread.
class http_session final : public http_exchange, public std::enable_shared_from_this<http_session> {
public:
  http_session(http_connections& owner, std::uint64_t id, boost::asio::ip::tcp::socket socket);

  /// The first request.
  void start();
  void close();
  /// Between two requests: its client would connect again.
  bool is_idle() const noexcept { return idle_; }

  // ---- what a handler sees ----

  std::string_view method() const override;
  std::string_view target() const override;
  std::string_view header(std::string_view name) const override;
  std::optional<std::int64_t> length() const override;
  void receive(std::span<char> into, std::function<void(std::size_t)> then) override;
  bool begin(const http_head& head) override;
  void send(std::span<const char> bytes, std::function<void()> then) override;
  void answer(http_page page) override;
  void abort() override { close(); }
  void call_after(std::chrono::milliseconds time, std::function<void()> then) override;
  void expect_answer_within(std::chrono::milliseconds time) override;
  http_poster poster() const override { return owner_.poster(); }

private:
  using response = boost::beast::http::response<boost::beast::http::buffer_body>;

  void read(std::chrono::milliseconds patience);
  void route();
  void invite(std::span<char> into, std::function<void(std::size_t)> then);
  void discard_then_answer();
  void send_page(std::size_t from);
  void sent();
  void linger();
  void swallow();

  http_connections& owner_;
  const std::uint64_t id_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_; ///< what came of a request's header, and perhaps after it
  std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> request_;
  std::shared_ptr<http_handler> handler_;
  http_route where_ = http_route::other; ///< who answers
  std::chrono::steady_clock::time_point began_;

  std::int64_t to_receive_ = 0;    ///< of the request's body
  bool endless_ = false;           ///< nobody knows where the request ends
  bool awaits_invitation_ = false; ///< Expect: 100-continue

  http_page page_;
  std::optional<response> response_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::buffer_body>> writer_;
  std::int64_t to_send_ = 0;
  bool goes_on_ = false; ///< after this answer
  bool idle_ = false;

  boost::asio::steady_timer later_;
  boost::asio::steady_timer patience_;
  std::uint64_t waiting_ = 0; ///< rises whenever the handler has done something
};

} // namespace expbuild
