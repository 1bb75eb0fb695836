#pragma once
#include "services/http_api.hpp"
#include "services/http_exchange.hpp"
#include "services/service_context.hpp"

#include <functional>
#include <string_view>

namespace expbuild {

/// What operators can ask over HTTP: /healthz, /readyz, /metrics, /status, the dashboard, and the
/// API below /api. Knows no sockets.
class http_pages {
public:
  using answer = std::function<void(http_page)>;

  /// `serving` says whether gRPC calls are welcome; asked on any thread.
  http_pages(context_ptr context, std::function<bool()> serving, http_api_options options = {})
      : context_(context), serving_(std::move(serving)),
        api_(std::move(context), std::move(options)) {}

  const http_api& api() const noexcept { return api_; }
  metrics& meters() const noexcept { return *context_->meters; }

  /// Which of the pages a target asks for.
  static http_route route_of(std::string_view target);

  /// Calls `done` once, here or later on an actor's thread. `target` may have a query.
  void get(std::string_view target, const answer& done) const;

private:
  void get_metrics(const answer& done) const;
  void get_status(const answer& done) const;

  context_ptr context_;
  std::function<bool()> serving_;
  http_api api_;
};

} // namespace expbuild
