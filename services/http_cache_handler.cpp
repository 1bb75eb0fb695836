#include "services/http_cache_handler.hpp"

#include "services/http_status.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

/// Bazel reads no more of an error than 10 KiB.
constexpr std::size_t max_text_bytes = 4096;

std::string text_of(const absl::Status& x) {
  return std::string(x.message().substr(0, max_text_bytes)) + "\n";
}

class refusal final : public http_handler {
public:
  refusal(http_exchange& exchange, http_page page)
      : http_handler(exchange), page_(std::move(page)) {}

private:
  void begin() override { exchange().answer(std::move(page_)); }
  http_page page_;
};

} // namespace

http_cache_handler::http_cache_handler(http_exchange& exchange, http_cache_request request)
    : http_handler(exchange), request_(std::move(request)), timer_(std::in_place, *request_.meter) {
}

http_cache_handler::~http_cache_handler() {
  ended(absl::CancelledError("the client is gone, or was too slow"));
}

void http_cache_handler::refuse(const absl::Status& why) {
  refuse(http_status_of(why.code(), exchange().method() == "PUT" ? 507 : 503), why);
}

void http_cache_handler::refuse(int http_status, const absl::Status& why) {
  ended(why);
  exchange().answer({.status = http_status, .body = text_of(why)});
}

void http_cache_handler::succeed(http_page page) {
  ended(absl::OkStatus());
  exchange().answer(std::move(page));
}

void http_cache_handler::ended(const absl::Status& how) {
  if (timer_)
    static_cast<void>(timer_->ended(how));
  timer_.reset();
}

void http_cache_handler::find_blob(std::function<void(std::optional<digest>)> then) {
  using found = absl::StatusOr<std::optional<digest>>;
  exchange().expect_answer_within(http_cache_patience);
  const auto& key = request_.key;
  caf::anon_send(context().cas,
                 find_by_hash{.trace = {},
                              .function = key.function(),
                              .raw_hash = std::string(key.raw_hash())},
                 reply<std::optional<digest>>(back<found>([this, then](const found& x) {
                   if (!x.ok())
                     return refuse(x.status());
                   then(*x);
                 })));
}

std::shared_ptr<http_handler> make_refusal(http_exchange& exchange, http_page page) {
  return std::make_shared<refusal>(exchange, std::move(page));
}

} // namespace expbuild
