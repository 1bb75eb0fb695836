#pragma once
#include "services/rpc_call.hpp"
#include "services/service_context.hpp"

namespace expbuild {

/// Answers with the chunks of a blob, which are stored then. `preferred` is a wish: the answer says
/// which function was used. NOT_FOUND when the blob is absent or one answer could not name all its
/// chunks (some 50,000), RESOURCE_EXHAUSTED when there is no room for them or too many others are
/// being split. Request and response are gRPC's, valid until the answer.
void split_blob(context_ptr context, const grpc::CallbackServerContext& call, const digest& id,
                reapi::ChunkingFunction::Value preferred, reapi::SplitBlobResponse& response,
                unary_call answer);

} // namespace expbuild
