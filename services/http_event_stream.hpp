#pragma once
#include "services/http_exchange.hpp"
#include "services/service_context.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <memory>

namespace expbuild {

/// GET /api/v1/watch: server-sent events
/// (https://html.spec.whatwg.org/multipage/server-sent-events) of what happens from now on, until
/// the client goes.
std::shared_ptr<http_handler> make_event_stream(http_exchange& exchange, context_ptr context,
                                                const admin::v1::WatchRequest& request);

} // namespace expbuild
