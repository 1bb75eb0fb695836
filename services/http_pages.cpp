#include "services/http_pages.hpp"

#include "services/dashboard/assets.hpp"
#include "services/status_report.hpp"

#include <algorithm>

namespace expbuild {

namespace {

constexpr std::string_view dashboard_root = "/ui";

http_page redirect_to(const std::string& where) {
  return {.status = 302, .body = "see " + where + "\n", .more = {{"Location", where}}};
}

http_page asset_page(const dashboard_asset& x) {
  return {.content_type = std::string(x.content_type),
          .body = std::string(x.bytes),
          .more = {{"Content-Security-Policy", std::string(dashboard_content_security_policy)},
                   {"X-Content-Type-Options", "nosniff"},
                   {"Referrer-Policy", "no-referrer"},
                   {"Cache-Control", "no-cache"},
                   {"ETag", std::string(x.etag)}}};
}

/// Paths that are no file of the dashboard are places in it, and its one page shows them.
http_page dashboard_page(std::string_view path) {
  const auto name = path.substr(std::min(path.size(), dashboard_root.size() + 1));
  const dashboard_asset* index = nullptr;
  for (const auto& x : dashboard_assets()) {
    if (x.path == name)
      return asset_page(x);
    if (x.path == "index.html")
      index = &x;
  }
  return asset_page(*index);
}

} // namespace

void http_pages::get(std::string_view target, const answer& done) const {
  const auto path = target.substr(0, target.find('?'));
  if (path == "/" || path == dashboard_root)
    return done(redirect_to("/ui/"));
  if (path.starts_with("/ui/"))
    return done(dashboard_page(path));
  if (path == "/healthz")
    return done({.body = "ok\n"});
  if (path == "/readyz" && serving_())
    return done({.body = "ready\n"});
  if (path == "/readyz")
    return done({.status = 503, .body = "not serving: starting or stopping\n"});
  if (path == "/metrics")
    return get_metrics(done);
  if (path == "/status")
    return get_status(done);
  done({.status = 404,
        .body = "there is no page " + std::string(path.substr(0, 200))
                + " here; there are /ui/, /api/v1, /healthz, /readyz, /metrics and /status\n"});
}

http_route http_pages::route_of(std::string_view target) {
  const auto path = target.substr(0, target.find('?'));
  if (path == "/" || path == dashboard_root || path.starts_with("/ui/"))
    return http_route::ui;
  if (path == "/healthz" || path == "/readyz")
    return http_route::health;
  if (path == "/metrics")
    return http_route::metrics;
  return path == "/status" ? http_route::status : http_route::other;
}

void http_pages::get_metrics(const answer& done) const {
  auto& meters = *context_->meters;
  meters.calls_under_way(context_->calls->streams(), context_->calls->others());
  meters.held_for_clients(static_cast<std::size_t>(context_->pieces->used())
                              + context_->answers->used(),
                          context_->unpacking->used());
  context_->disks->measure(*context_->io); // for the next time: a disk may keep us waiting
  done({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = meters.expose()});
}

void http_pages::get_status(const answer& done) const {
  report_status(context_, [done, serving = serving_](const admin::v1::Status& status) {
    done({.content_type = "application/json", .body = status_json(status, serving())});
  });
}

} // namespace expbuild
