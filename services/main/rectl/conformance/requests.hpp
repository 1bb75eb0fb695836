#pragma once
#include "services/main/rectl/conformance/subject.hpp"

namespace expbuild::conformance {

/// What the requests of every rpc have in common, so that one rule can be asked of all of them.
struct request_terms {
  std::string instance;
  reapi::DigestFunction::Value function = reapi::DigestFunction::UNKNOWN;
  reapi::Digest id; ///< the blob, root or action in question
};

/// Each makes one call in these terms and returns its status: of the call, or, where blobs have a
/// status of their own, of the one blob.
using rpc = grpc::Status (*)(subject&, const request_terms&);

grpc::Status ask_capabilities(subject& s, const request_terms& x);
grpc::Status ask_find_missing(subject& s, const request_terms& x);
grpc::Status ask_batch_update(subject& s, const request_terms& x);
grpc::Status ask_batch_read(subject& s, const request_terms& x);
grpc::Status ask_get_tree(subject& s, const request_terms& x);
grpc::Status ask_read(subject& s, const request_terms& x);
grpc::Status ask_write(subject& s, const request_terms& x);
grpc::Status ask_query(subject& s, const request_terms& x);
grpc::Status ask_get_result(subject& s, const request_terms& x);
grpc::Status ask_update_result(subject& s, const request_terms& x);
grpc::Status ask_execute(subject& s, const request_terms& x);

} // namespace expbuild::conformance
