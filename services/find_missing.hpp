#pragma once
#include "services/service_context.hpp"

#include <absl/status/statusor.h>
#include <grpcpp/support/byte_buffer.h>

#include <span>
#include <vector>

/// FindMissingBlobs as gRPC carries it. A build asks about hundreds of thousands of digests: they
/// are read and written without a message object for each.

namespace expbuild {

/// The digests of a FindMissingBlobsRequest. INVALID_ARGUMENT, in words, when it is none, for
/// another instance, and for a digest that is none (request_checks.hpp).
absl::StatusOr<std::vector<digest>> read_find_missing(const service_context& context,
                                                      const grpc::ByteBuffer& request);

/// A FindMissingBlobsResponse.
grpc::ByteBuffer find_missing_response(std::span<const digest> missing);

} // namespace expbuild
