#pragma once
#include "services/rpc_call.hpp"
#include "services/service_context.hpp"

namespace expbuild {

/// Stores the blob that these chunks, of the same digest function, make one after the other; at
/// once when it is there already. INVALID_ARGUMENT when they make another blob, NOT_FOUND when one
/// of them is absent, RESOURCE_EXHAUSTED when there is no room or too many others are being
/// spliced; nothing is stored then. Request and response are gRPC's, valid until the answer.
void splice_blob(context_ptr context, const grpc::CallbackServerContext& call, const digest& id,
                 std::vector<digest> chunks, reapi::SpliceBlobResponse& response,
                 unary_call answer);

} // namespace expbuild
