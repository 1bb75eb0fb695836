#pragma once
#include "services/http_cache.hpp"
#include "services/rpc_call.hpp"

#include <absl/status/status.h>

namespace expbuild {

/// One request of the cache protocol, checked.
struct http_cache_request {
  context_ptr context;
  http_cache_options options;
  std::shared_ptr<memory_budget> memory;
  rpc_meter* meter = nullptr;
  digest key; ///< hash and function; the size is not known, and 0
};

/// What answering the cache protocol has in common: it is measured as gRPC calls are, and errors
/// become pages.
class http_cache_handler : public http_handler {
public:
  http_cache_handler(http_exchange& exchange, http_cache_request request);
  ~http_cache_handler() override;

protected:
  const http_cache_request& request() const { return request_; }
  const service_context& context() const { return *request_.context; }

  /// Ends the exchange with a page that says why; its HTTP status follows from the code.
  void refuse(const absl::Status& why);
  void refuse(int http_status, const absl::Status& why);
  void succeed(http_page page);

  /// To be called just before the last bytes of an answer are sent, or when it is broken off.
  void ended(const absl::Status& how);

  /// Asks the CAS for the blob of the key's hash.
  void find_blob(std::function<void(std::optional<digest>)> then);

private:
  const http_cache_request request_;
  std::optional<rpc_timer> timer_; ///< until it has ended
};

/// Refuses a request that was not even looked into.
std::shared_ptr<http_handler> make_refusal(http_exchange& exchange, http_page page);

/// GET and HEAD of /cas. `known`: what lies there is known already.
std::shared_ptr<http_handler> make_blob_download(http_exchange& exchange,
                                                 http_cache_request request,
                                                 std::optional<digest> known = std::nullopt);
/// PUT of /cas.
std::shared_ptr<http_handler> make_blob_upload(http_exchange& exchange, http_cache_request request);
/// GET and HEAD of /ac.
std::shared_ptr<http_handler> make_result_lookup(http_exchange& exchange,
                                                 http_cache_request request);
/// PUT of /ac.
std::shared_ptr<http_handler> make_result_update(http_exchange& exchange,
                                                 http_cache_request request);

/// A server that does not answer within this time is too busy.
inline constexpr std::chrono::seconds http_cache_patience{60};

} // namespace expbuild
