#define CAF_SUITE services.digest_functions
#include "test/services/byte_stream_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : byte_stream_fixture {
  std::pair<grpc::Status, int> missing_of(const digest& id, reapi::DigestFunction::Value declared) {
    client_context call;
    reapi::FindMissingBlobsRequest request;
    request.set_digest_function(declared);
    *request.add_blob_digests() = id.to_proto();
    reapi::FindMissingBlobsResponse answer;
    const auto status =
        stub<reapi::ContentAddressableStorage>()->FindMissingBlobs(&call, request, &answer);
    return {status, answer.missing_blob_digests_size()};
  }
};

digest as_blake3(const digest& like) {
  return *digest::parse(like.hash(), like.size_bytes(), digest_function::blake3);
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(digest_functions_tests, fixture)

CAF_TEST(a hash of 64 digits without a function is SHA256 whatever else is announced) {
  context->digest_functions = {digest_function::blake3, digest_function::sha256};
  const auto id = put("hello");
  CAF_CHECK_EQUAL(missing_of(id, reapi::DigestFunction::UNKNOWN).second, 0);
  CAF_CHECK_EQUAL(missing_of(id, reapi::DigestFunction::SHA256).second, 0);
  CAF_CHECK_EQUAL(bytes_of("blobs/" + id.to_string()), "hello");
}

CAF_TEST(the same hash under another function is another blob) {
  context->digest_functions = {digest_function::blake3, digest_function::sha256};
  const auto id = put("hello");
  CAF_CHECK_EQUAL(missing_of(id, reapi::DigestFunction::BLAKE3).second, 1);
  CAF_CHECK(read(as_blake3(id).to_resource()).first == grpc::StatusCode::NOT_FOUND);
  CAF_CHECK_EQUAL(bytes_of("blobs/sha256/" + id.to_string()), "hello");
}

CAF_TEST(where only BLAKE3 is announced it must be named) {
  context->digest_functions = {digest_function::blake3};
  const auto [status, missing] = missing_of(digest::of("hello"), reapi::DigestFunction::UNKNOWN);
  CAF_CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CAF_CHECK(contains(status.error_message(), "BLAKE3"));
  CAF_CHECK_EQUAL(missing_of(digest::of("hello"), reapi::DigestFunction::BLAKE3).second, 1);
}

CAF_TEST(a blob named by BLAKE3 is uploaded and read) {
  if (!is_built_in(digest_function::blake3)) {
    CAF_MESSAGE("skipped: built without BLAKE3");
    return;
  }
  context->digest_functions = {digest_function::sha256, digest_function::blake3};
  const auto id = digest::of("hello", digest_function::blake3);
  upload wrong(*this);
  wrong.send(to_write(id), 0, "jello", true);
  CAF_CHECK(wrong.end() == grpc::StatusCode::INVALID_ARGUMENT);
  upload right(*this);
  right.send(to_write(id), 0, "hello", true);
  CAF_CHECK(right.end() == grpc::StatusCode::OK);
  CAF_CHECK_EQUAL(bytes_of(id.to_resource()), "hello");
  CAF_CHECK_EQUAL(missing_of(id, reapi::DigestFunction::BLAKE3).second, 0);
  CAF_CHECK_EQUAL(missing_of(id, reapi::DigestFunction::UNKNOWN).second, 1);
}

CAF_TEST_FIXTURE_SCOPE_END()
