#pragma once
#include "services/request_checks.hpp"
#include "services/rpc_call.hpp"

namespace expbuild {

/// Answers one BatchUpdateBlobs whose digest function and size (also of what is packed) have been
/// checked: one status per blob, and all that is OK can be found when the answer arrives. Request
/// and response belong to the call.
void update_blobs(context_ptr context, const digest_reader& digests,
                  const reapi::BatchUpdateBlobsRequest& request,
                  reapi::BatchUpdateBlobsResponse& response, unary_call answer);

} // namespace expbuild
