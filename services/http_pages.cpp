#include "services/http_pages.hpp"

#include "services/status_report.hpp"

namespace expbuild {

void http_pages::get(std::string_view target, const answer& done) const {
  const auto path = target.substr(0, target.find('?'));
  if (path == "/healthz")
    return done({.body = "ok\n"});
  if (path == "/readyz" && serving_())
    return done({.body = "ready\n"});
  if (path == "/readyz")
    return done({.status = 503, .body = "not serving: starting or stopping\n"});
  if (path == "/metrics")
    return done({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                 .body = context_->meters->expose()});
  if (path == "/status")
    return get_status(done);
  done({.status = 404,
        .body = "there is no page " + std::string(path.substr(0, 200))
                + " here; there are /healthz, /readyz, /metrics and /status\n"});
}

void http_pages::get_status(const answer& done) const {
  report_status(context_, [done, serving = serving_](const admin::v1::Status& status) {
    done({.content_type = "application/json", .body = status_json(status, serving())});
  });
}

} // namespace expbuild
