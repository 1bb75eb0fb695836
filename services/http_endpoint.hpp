#pragma once
#include "services/http_router.hpp"

#include <absl/status/statusor.h>

#include <chrono>
#include <memory>
#include <string>

namespace expbuild {

struct http_endpoint_options {
  std::string address = "127.0.0.1:8981"; ///< host:port, [v6]:port; port 0 takes any free one
  std::size_t max_connections = 1024;     ///< one more takes an idle one's place, or is closed
  std::uint32_t max_header_bytes = 8 * 1024;
  /// For a request to arrive, a page to be made, and each piece of a body to come or to be taken.
  std::chrono::seconds timeout{15};
  std::chrono::seconds idle_timeout{60}; ///< between two requests
};

/// Serves http_pages, and the cache protocol if there is one, on a thread of its own.
class http_endpoint {
public:
  virtual ~http_endpoint() = default; ///< stops

  virtual int port() const noexcept = 0;

  /// Closes every connection and joins the thread. Idempotent.
  virtual void stop() = 0;
};

/// INVALID_ARGUMENT for an address that is none, FAILED_PRECONDITION (with the reason) when it can
/// not be bound.
absl::StatusOr<std::unique_ptr<http_endpoint>>
make_http_endpoint(http_endpoint_options options, http_pages pages,
                   std::shared_ptr<const http_cache> cache = nullptr);

} // namespace expbuild
