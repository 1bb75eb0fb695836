#define CAF_SUITE services.splice
#include "test/services/chunking_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

using fixture = chunking_fixture;
using code = grpc::StatusCode;

} // namespace

CAF_TEST_FIXTURE_SCOPE(splice_tests, fixture)

CAF_TEST(a blob is made of its chunks and can be read at once) {
  const auto id = digest::of("hello world");
  const auto [status, answer] = splice(id, {put("hello"), put(" "), put("world")});
  CAF_REQUIRE(status.ok());
  CAF_CHECK_EQUAL(answer.blob_digest().hash(), id.hash());
  CAF_CHECK_EQUAL(answer.blob_digest().size_bytes(), 11);
  CAF_CHECK(missing_of({id}).empty());
  CAF_CHECK_EQUAL(bytes_of(id), "hello world");
}

CAF_TEST(what was split is spliced into the same) {
  const auto bytes = some_bytes(300'000);
  const auto id = put(bytes);
  const auto chunks = digests_of(split(id).second);
  CAF_REQUIRE(chunks.size() > 100);
  evict(id);
  CAF_REQUIRE(splice(id, chunks).first.ok());
  CAF_CHECK(bytes_of(id) == bytes);
}

CAF_TEST(a chunk may be larger than what is copied at a time and occur twice) {
  const auto large = put(std::string(40 << 20, 'x'));
  const auto id = digest::of(std::string(80 << 20, 'x'));
  CAF_REQUIRE(splice(id, {large, digest(), large}).first.ok());
  CAF_CHECK(bytes_of(id) == std::string(80 << 20, 'x'));
}

CAF_TEST(chunks that make another blob are INVALID_ARGUMENT and nothing is stored) {
  const auto id = digest::of("world hello");
  const auto [status, answer] = splice(id, {put("hello"), put(" "), put("world")});
  CAF_CHECK(status.error_code() == code::INVALID_ARGUMENT);
  CAF_CHECK(contains(status.error_message(), digest::of("hello world").hash()));
  CAF_CHECK(contains(status.error_message(), id.hash()));
  CAF_CHECK(!stored(id));
  CAF_CHECK_EQUAL(missing_of({id}).size(), 1u);
}

CAF_TEST(chunks of another size together are INVALID_ARGUMENT before any work) {
  const auto id = digest::of("hello world");
  const auto hello = put("hello");
  CAF_CHECK(splice(id, {hello}).first.error_code() == code::INVALID_ARGUMENT);
  CAF_CHECK(splice(id, {hello, hello, hello}).first.error_code() == code::INVALID_ARGUMENT);
  CAF_CHECK(splice(id, {}).first.error_code() == code::INVALID_ARGUMENT);
  const auto huge = *digest::parse(hello.hash(), digest::max_size_bytes, digest_function::sha256);
  CAF_CHECK(splice(id, {huge, huge, huge}).first.error_code() == code::INVALID_ARGUMENT);
}

CAF_TEST(an absent chunk is NOT_FOUND by name and nothing is stored) {
  const auto id = digest::of("hello world");
  const auto world = digest::of("world");
  const auto [status, answer] = splice(id, {put("hello"), put(" "), world});
  CAF_CHECK(status.error_code() == code::NOT_FOUND);
  CAF_CHECK(contains(status.error_message(), world.hash()));
  CAF_CHECK(!stored(id));
}

CAF_TEST(a chunk that its file has left is NOT_FOUND) {
  const auto id = digest::of("hello world");
  const auto world = put("world");
  lose(world);
  CAF_CHECK(splice(id, {put("hello"), put(" "), world}).first.error_code() == code::NOT_FOUND);
  CAF_CHECK(!stored(id));
}

CAF_TEST(a blob that is there already is not made again) {
  const auto id = put("hello world");
  const auto [status, answer] = splice(id, {digest::of("hello"), digest::of(" world")});
  CAF_CHECK(status.ok());
  CAF_CHECK_EQUAL(answer.blob_digest().hash(), id.hash());
}

CAF_TEST(the empty blob is made of nothing) {
  CAF_CHECK(splice(digest(), {}).first.ok());
  CAF_CHECK(splice(digest(), {digest()}).first.ok());
}

CAF_TEST(chunks have the digest function of the blob) {
  context->digest_functions = {digest_function::sha256, digest_function::sha1};
  const auto blob = digest::of("hello", digest_function::sha1);
  const auto hello = *write_blob(*store, "hello", digest_function::sha1);
  announce(hello);
  CAF_CHECK(splice(digest::of("hello"), {hello}).first.error_code() == code::INVALID_ARGUMENT);
  CAF_CHECK(splice(blob, {put("hello")}).first.error_code() == code::INVALID_ARGUMENT);
  CAF_CHECK(splice(blob, {hello}).first.ok());
}

CAF_TEST(more chunks than are allowed are INVALID_ARGUMENT) {
  use({.max_chunks = 3});
  const auto x = put("x");
  CAF_CHECK(splice(digest::of("xxx"), {x, x, x}).first.ok());
  const auto [status, answer] = splice(digest::of("xxxx"), {x, x, x, x});
  CAF_CHECK(status.error_code() == code::INVALID_ARGUMENT);
  CAF_CHECK(contains(status.error_message(), "at most 3"));
}

CAF_TEST(far more chunks than files may be open can be spliced) {
  std::vector<digest> chunks;
  std::string bytes;
  for (int i = 0; i < 3000; ++i) {
    chunks.push_back(put(std::to_string(i)));
    bytes += std::to_string(i);
  }
  const auto id = digest::of(bytes);
  CAF_REQUIRE(splice(id, chunks).first.ok());
  CAF_CHECK(bytes_of(id) == bytes);
}

CAF_TEST(somebody who uploads the blob meanwhile hears that it is there) {
  const auto id = digest::of("hello world");
  client_context call;
  google::bytestream::WriteResponse response;
  const auto upload = stub<google::bytestream::ByteStream>()->Write(&call, &response);
  google::bytestream::WriteRequest request;
  request.set_resource_name("uploads/one/" + id.to_resource());
  request.set_data("hello");
  CAF_REQUIRE(upload->Write(request));
  google::bytestream::QueryWriteStatusRequest query;
  query.set_resource_name(request.resource_name());
  google::bytestream::QueryWriteStatusResponse so_far;
  while (so_far.committed_size() < 5) {
    client_context asking;
    CAF_REQUIRE(
        stub<google::bytestream::ByteStream>()->QueryWriteStatus(&asking, query, &so_far).ok());
  }
  CAF_REQUIRE(splice(id, {put("hello"), put(" "), put("world")}).first.ok());
  CAF_CHECK(upload->Finish().ok()); // without the rest
  CAF_CHECK_EQUAL(response.committed_size(), 11);
}

CAF_TEST_FIXTURE_SCOPE_END()
