#pragma once
#include "services/http_exchange.hpp"
#include "services/http_query.hpp"
#include "services/service_context.hpp"

#include <absl/status/statusor.h>

#include <functional>

namespace expbuild {

/// Blobs as people want to see them: /api/v1/{directory,tree,blob}/FUNCTION/HASH/SIZE.
bool is_blob_page(std::string_view what);

/// A Directory or a Tree as JSON, or the first bytes of any blob as text (`limit`, at most 1 MiB).
/// Calls `done` once, on any thread.
void make_blob_page(const context_ptr& context, std::string_view what, const http_query& query,
                    std::function<void(absl::StatusOr<http_page>)> done);

} // namespace expbuild
