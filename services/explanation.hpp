#pragma once
#include "services/service_context.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <absl/status/statusor.h>

#include <functional>
#include <string>

namespace expbuild {

using explained = absl::StatusOr<admin::v1::Explanation>;

/// Why an action waits, why it failed, why it was not answered from the cache. Asks recorder,
/// scheduler and supervisor, and reads what is still stored of it in the I/O pool; calls `done`
/// once, on any thread. NOT_FOUND for an action of which nothing is known.
void explain(const context_ptr& context, const std::string& query,
             std::function<void(explained)> done);

/// The same for an action that was found already.
void explain(const context_ptr& context, action_snapshot action,
             std::function<void(explained)> done);

/// How action `b` differs from action `a`.
void explain_difference(const context_ptr& context, const std::string& a, const std::string& b,
                        std::function<void(explained)> done);

/// Why it failed, in words; empty when it did not. No thread, no disk, no actor.
std::vector<std::string> failure_words(const action_record& x);

} // namespace expbuild
