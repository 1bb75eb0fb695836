#pragma once
#include "services/http_exchange.hpp"
#include "services/service_context.hpp"

#include <memory>
#include <string>

namespace expbuild {

struct http_api_options {
  /// Workers may be drained and restarted from here.
  bool control = false;
  /// Where clients find gRPC: for scripts that are given out.
  std::string grpc_address;
  /// The endpoint listens on loopback only: then nobody needs another name for it, and whoever uses
  /// one is a web page that wants to read it (DNS rebinding).
  bool local_names_only = true;
};

/// The operators' JSON API below /api/v1 (docs/http-api.md), read-only unless `control`. Answers
/// the messages of the admin service as JSON. Knows no sockets; used on the HTTP thread.
class http_api {
public:
  http_api(context_ptr context, http_api_options options)
      : context_(std::move(context)), options_(std::move(options)) {}

  /// Null unless `local_names_only` forbids the name by which the request calls this endpoint. For
  /// whatever it asks, not for the API alone.
  std::shared_ptr<http_handler> refuse_foreign(http_exchange& exchange) const;

  /// Null when the request's target is no path of the API.
  std::shared_ptr<http_handler> handler_for(http_exchange& exchange) const;

private:
  const context_ptr context_;
  const http_api_options options_;
};

/// False for a Host header that names something else than this machine's loopback.
bool is_local_host(std::string_view host);

} // namespace expbuild
