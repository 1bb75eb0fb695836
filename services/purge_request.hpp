#pragma once
#include "services/service_context.hpp"
#include "storage/purge_report.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <absl/status/statusor.h>

namespace expbuild {

/// What a purge is asked to remove. INVALID_ARGUMENT, saying what to do, for another instance, for
/// no condition at all or one beside `all`, and for times that nothing can fit in.
absl::StatusOr<result_filter> read_filter(const service_context& context,
                                          const admin::v1::PurgeActionResultsRequest& request);

void describe(const purge_report& report, admin::v1::PurgeActionResultsResponse& to);

} // namespace expbuild
