#pragma once
#include "services/http_exchange.hpp"
#include "services/memory_budget.hpp"
#include "services/service_context.hpp"

#include <map>

namespace expbuild {

struct http_cache_options {
  /// Under /ac, keep values that are no ActionResults, too (ccache's, for instance).
  bool any_value = false;
  std::int64_t max_result_bytes = std::int64_t{16} << 20; ///< of what is put under /ac
  /// Of results on their way in or out, over all clients.
  std::int64_t max_held_bytes = std::int64_t{256} << 20;
};

/// The HTTP cache protocol of Bazel and bazel-remote, on the store that gRPC serves:
///
///     GET | HEAD | PUT   [/INSTANCE]/cas/HASH   a blob
///     GET | HEAD | PUT   [/INSTANCE]/ac/HASH    an ActionResult, as binary protobuf
///
/// docs/http-cache.md tells its rules, docs/decisions/0014 why they are so. Knows no sockets; used
/// on the HTTP thread.
class http_cache {
public:
  explicit http_cache(context_ptr context, http_cache_options options = {});

  /// Null when the request's target is no path of the cache protocol.
  std::shared_ptr<http_handler> handler_for(http_exchange& exchange) const;

private:
  const context_ptr context_;
  const http_cache_options options_;
  const std::shared_ptr<memory_budget> memory_;
  std::map<std::string, rpc_meter*, std::less<>> meters_; ///< by "GET cas" and the like
};

} // namespace expbuild
