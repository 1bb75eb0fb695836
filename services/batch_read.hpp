#pragma once
#include "services/request_checks.hpp"
#include "services/rpc_call.hpp"

namespace expbuild {

/// Answers one BatchReadBlobs whose digest function and size have been checked: one status per
/// blob. Request and response belong to the call.
void read_blobs(context_ptr context, const digest_reader& digests,
                const reapi::BatchReadBlobsRequest& request,
                reapi::BatchReadBlobsResponse& response, unary_call answer);

} // namespace expbuild
