#include "actors/worker/docker/engine_exchange.hpp"

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <limits>
#include <utility>

namespace expbuild {

namespace http = boost::beast::http;

namespace {

constexpr auto version = "/v1.41";

} // namespace

engine_exchange::engine_exchange(boost::asio::io_context& loop,
                                 const engine_client_options& options, engine_request request)
    : options_(options), request_(std::move(request)), stream_(loop) {
  message_.method_string(request_.method);
  message_.target(version + request_.target);
  message_.version(11);
  message_.set(http::field::host, "docker");
  message_.set(http::field::connection, "close");
  if (!request_.body.empty())
    message_.set(http::field::content_type, "application/json");
  message_.body() = request_.body;
  message_.prepare_payload();
}

void engine_exchange::ask(engine_client::on_answer answer) {
  answer_ = std::move(answer);
  parser_.body_limit(options_.max_answer_bytes);
  connect();
}

void engine_exchange::follow(engine_client::on_line line, engine_client::on_end end) {
  line_ = std::move(line);
  end_ = std::move(end);
  parser_.body_limit(std::numeric_limits<std::uint64_t>::max()); // a line has a limit instead
  connect();
}

void engine_exchange::abandon() {
  answer_ = nullptr;
  line_ = nullptr;
  end_ = nullptr;
  stream_.close();
}

// ---- one step after the other ------------------------------------------------------------------

void engine_exchange::connect() {
  stream_.expires_after(request_.limit);
  stream_.async_connect(boost::asio::local::stream_protocol::endpoint(options_.socket.string()),
                        [me = shared_from_this()](error_code error) {
                          if (error)
                            return me->fail(error);
                          me->write();
                        });
}

void engine_exchange::write() {
  http::async_write(stream_, message_, [me = shared_from_this()](error_code error, std::size_t) {
    if (error)
      return me->fail(error);
    if (me->answer_)
      me->read_whole();
    else
      me->read_header();
  });
}

void engine_exchange::read_whole() {
  http::async_read(stream_, buffer_, parser_,
                   [me = shared_from_this()](error_code error, std::size_t) {
                     if (error)
                       return me->fail(error);
                     auto& got = me->parser_.get();
                     if (const auto told = std::exchange(me->answer_, nullptr))
                       told(engine_answer{got.result_int(), std::move(got.body())});
                   });
}

void engine_exchange::read_header() {
  http::async_read_header(stream_, buffer_, parser_,
                          [me = shared_from_this()](error_code error, std::size_t) {
                            if (error)
                              return me->fail(error);
                            me->read_piece();
                          });
}

void engine_exchange::read_piece() {
  if (parser_.is_done())
    return take_lines(true);
  stream_.expires_after(request_.limit);
  http::async_read_some(stream_, buffer_, parser_,
                        [me = shared_from_this()](error_code error, std::size_t) {
                          if (error)
                            return me->fail(error);
                          me->take_lines(me->parser_.is_done());
                        });
}

void engine_exchange::take_lines(bool at_end) {
  rest_ += std::exchange(parser_.get().body(), {});
  const bool refused = parser_.get().result_int() >= 300;
  for (std::size_t end = 0; !refused && line_ && (end = rest_.find('\n')) != std::string::npos;) {
    const auto line = rest_.substr(0, end);
    rest_.erase(0, end + 1);
    if (line.find_first_not_of(" \r") != std::string::npos)
      line_(line);
  }
  if (rest_.size() > options_.max_answer_bytes)
    return finish(
        absl::ResourceExhaustedError("the engine's answer to " + name() + " is larger than "
                                     + std::to_string(options_.max_answer_bytes) + " bytes"));
  if (!at_end)
    return read_piece();
  if (refused)
    return finish(absl::UnavailableError(
        "the engine refuses " + name() + ": "
        + engine_answer{parser_.get().result_int(), std::exchange(rest_, {})}.message()));
  if (!rest_.empty() && line_)
    line_(std::exchange(rest_, {}));
  finish(absl::OkStatus());
}

// ---- the end -----------------------------------------------------------------------------------

void engine_exchange::fail(const error_code& error) {
  finish(explain(error));
}

void engine_exchange::finish(absl::Status status) {
  const auto answer = std::exchange(answer_, nullptr);
  const auto end = std::exchange(end_, nullptr);
  line_ = nullptr;
  stream_.close();
  if (answer)
    answer(std::move(status));
  else if (end)
    end(std::move(status));
}

absl::Status engine_exchange::explain(const error_code& error) const {
  const auto what = name() + " at " + options_.socket.string();
  if (error == boost::beast::error::timeout)
    return absl::DeadlineExceededError("the container engine did not answer " + what + " within "
                                       + std::to_string(request_.limit.count()) + " ms");
  if (error == http::error::body_limit)
    return absl::ResourceExhaustedError("the engine's answer to " + what + " is larger than "
                                        + std::to_string(options_.max_answer_bytes) + " bytes");
  return absl::UnavailableError("the container engine can not be asked for " + what + ": "
                                + error.message());
}

} // namespace expbuild
