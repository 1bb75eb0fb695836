#include "services/http_log_stream.hpp"

#include "actors/log.hpp"
#include "actors/log_sink.hpp"
#include "services/http_text_stream.hpp"
#include "services/log_reader.hpp"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace expbuild {

namespace {

/// Of a page: it is made in one go, and others wait meanwhile.
constexpr std::int32_t page_lines = 1000;

class http_log_stream final : public http_text_stream {
public:
  http_log_stream(http_exchange& exchange, log_reader reader)
      : http_text_stream(exchange), reader_(std::move(reader)) {}

private:
  void opened() override {
    wake_ = std::make_shared<const log_ring::follower>([wake = back<int>([this](int) {
                                                          waits_ = false;
                                                          go_on();
                                                        })] { wake(0); });
    show_life();
  }

  std::string next_event() override {
    const auto line = reader_.next();
    return line ? event("line", *line) : std::string();
  }
  bool is_over() const override { return reader_.ended().has_value(); }
  void idle() override {
    if (!std::exchange(waits_, true))
      reader_.when_more(wake_);
  }

  void show_life() {
    exchange().call_after(heartbeat, next([this] {
                            go_on();
                            show_life();
                          }));
  }

  log_reader reader_;
  std::shared_ptr<const log_ring::follower> wake_;
  bool waits_ = false; ///< will be called
};

/// What GET /api/v1/log?last=N&follow=1&level=L&module=M&contains=C asks for.
absl::StatusOr<admin::v1::GetLogRequest> log_request(const http_query& query) {
  admin::v1::GetLogRequest request;
  std::int32_t last = 0;
  const auto asked = query.get("last");
  if (!asked.empty() && !absl::SimpleAtoi(asked, &last))
    return absl::InvalidArgumentError("'last' is a number of lines");
  request.set_last(asked.empty() || last != 0 ? last : -1); // "last=0" is meant
  request.set_follow(query.get("follow") == "1");
  request.set_level(query.get("level"));
  request.set_module(query.get("module"));
  request.set_contains(query.get("contains"));
  return request;
}

} // namespace

std::shared_ptr<http_handler> make_http_log_stream(http_exchange& exchange,
                                                   const http_query& query) {
  const auto request = log_request(query);
  if (!request.ok() || !request->follow())
    return nullptr;
  auto reader = log_reader::make(the_log().ring(), *request);
  if (!reader.ok())
    return nullptr;
  return std::make_shared<http_log_stream>(exchange, *std::move(reader));
}

absl::StatusOr<http_page> log_page(const http_query& query) {
  auto request = log_request(query);
  if (!request.ok())
    return request.status();
  request->set_follow(false);
  request->set_last(std::min(request->last(), page_lines));
  auto reader = log_reader::make(the_log().ring(), *request);
  if (!reader.ok())
    return reader.status();
  http_page page{.content_type = "application/x-ndjson",
                 .more = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}};
  while (const auto line = reader->next())
    page.body += to_json(*line, json_form::one_line) + "\n";
  return page;
}

} // namespace expbuild
