#pragma once
#include "storage/digest.hpp"

#include <absl/status/status.h>

#include <vector>

namespace expbuild {

/// FAILED_PRECONDITION that carries one google.rpc.PreconditionFailure violation of type MISSING
/// per blob, as clients need it to upload again and retry (REAPI, Execution.Execute). The detail
/// travels as a payload of the absl::Status under its Any type URL; services copy payloads into
/// status details. `what` says what was being done. Precondition: `blobs` is not empty.
absl::Status missing_blobs_error(const std::string& what, const std::vector<digest>& blobs);

/// The digests' resource names that such an error names; empty for any other status.
std::vector<std::string> missing_blobs_of(const absl::Status& status);

/// The same as digests.
std::vector<digest> missing_digests_of(const absl::Status& status);

} // namespace expbuild
