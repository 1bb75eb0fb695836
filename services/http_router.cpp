#include "services/http_router.hpp"

namespace expbuild {

namespace {

class page_handler final : public http_handler {
public:
  page_handler(http_exchange& exchange, std::shared_ptr<const http_pages> pages,
               std::chrono::milliseconds patience)
      : http_handler(exchange), pages_(std::move(pages)), patience_(patience) {}

private:
  void begin() override {
    if (exchange().method() != "GET" && exchange().method() != "HEAD")
      return exchange().answer(
          {.status = 405, .body = "only GET and HEAD are answered here\n", .allow = "GET, HEAD"});
    exchange().expect_answer_within(patience_);
    pages_->get(exchange().target(),
                back<http_page>([this](http_page page) { exchange().answer(std::move(page)); }));
  }

  const std::shared_ptr<const http_pages> pages_;
  const std::chrono::milliseconds patience_;
};

} // namespace

http_routed http_router::route(http_exchange& exchange) const {
  const auto page = http_pages::route_of(exchange.target());
  if (page != http_route::health) // tells nothing, and load balancers use names of their own
    if (auto handler = pages_->api().refuse_foreign(exchange))
      return {handler, page};
  if (cache_)
    if (auto handler = cache_->handler_for(exchange))
      return {handler, http_route::cache};
  if (auto handler = pages_->api().handler_for(exchange))
    return {handler, http_route::api};
  return {std::make_shared<page_handler>(exchange, pages_, patience_), page};
}

} // namespace expbuild
