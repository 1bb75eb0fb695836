#pragma once
#include "services/http_cache.hpp"
#include "services/http_pages.hpp"

namespace expbuild {

/// Who answers a request, and what the metrics call that.
struct http_routed {
  std::shared_ptr<http_handler> handler;
  http_route where = http_route::other;
};

/// Finds who answers a request: the cache protocol, the operators' API or their pages.
class http_router {
public:
  /// `cache` may be null: then there are only pages. `patience`: for a page to be made.
  http_router(http_pages pages, std::shared_ptr<const http_cache> cache,
              std::chrono::milliseconds patience)
      : pages_(std::make_shared<const http_pages>(std::move(pages))), cache_(std::move(cache)),
        patience_(patience) {}

  http_routed route(http_exchange& exchange) const;

  metrics& meters() const noexcept { return pages_->meters(); }

private:
  std::shared_ptr<const http_pages> pages_;
  std::shared_ptr<const http_cache> cache_;
  std::chrono::milliseconds patience_;
};

} // namespace expbuild
