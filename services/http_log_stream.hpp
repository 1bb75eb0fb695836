#pragma once
#include "services/http_exchange.hpp"
#include "services/http_query.hpp"

#include <absl/status/statusor.h>

#include <memory>

namespace expbuild {

/// GET /api/v1/log?last=N&follow=1&level=L&module=M&contains=C: the log as server-sent events
/// `line` (https://html.spec.whatwg.org/multipage/server-sent-events) until the client goes. Null
/// when the query does not ask for that, or not rightly: then `log_page` answers it.
std::shared_ptr<http_handler> make_http_log_stream(http_exchange& exchange,
                                                   const http_query& query);

/// What there is now, one JSON object a line, at most 1,000. INVALID_ARGUMENT.
absl::StatusOr<http_page> log_page(const http_query& query);

} // namespace expbuild
