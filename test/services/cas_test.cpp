#define CAF_SUITE services.cas
#include "test/services/byte_stream_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : service_fixture {
  template <class Request, class Answer, class Method>
  std::pair<grpc::Status, Answer> call(Method method, const Request& request) {
    client_context context_of_call;
    std::pair<grpc::Status, Answer> result;
    result.first = (stub<reapi::ContentAddressableStorage>().get()->*method)(
        &context_of_call, request, &result.second);
    return result;
  }

  using blobs = reapi::ContentAddressableStorage::Stub;

  auto find(const std::vector<reapi::Digest>& ids,
            reapi::DigestFunction::Value function = reapi::DigestFunction::UNKNOWN) {
    reapi::FindMissingBlobsRequest request;
    request.set_digest_function(function);
    for (const auto& id : ids)
      *request.add_blob_digests() = id;
    return call<reapi::FindMissingBlobsRequest, reapi::FindMissingBlobsResponse>(
        &blobs::FindMissingBlobs, request);
  }

  static void add(reapi::BatchUpdateBlobsRequest& to, const digest& id, const std::string& data) {
    auto& x = *to.add_requests();
    *x.mutable_digest() = id.to_proto();
    x.set_data(data);
  }

  auto update(const reapi::BatchUpdateBlobsRequest& request) {
    return call<reapi::BatchUpdateBlobsRequest, reapi::BatchUpdateBlobsResponse>(
        &blobs::BatchUpdateBlobs, request);
  }

  auto read(const std::vector<digest>& ids) {
    reapi::BatchReadBlobsRequest request;
    for (const auto& id : ids)
      *request.add_digests() = id.to_proto();
    return call<reapi::BatchReadBlobsRequest, reapi::BatchReadBlobsResponse>(&blobs::BatchReadBlobs,
                                                                             request);
  }

  std::string bytes_of(const digest& id) { return read({id}).second.responses(0).data(); }
  int missing_of(const std::vector<reapi::Digest>& ids) {
    return find(ids).second.missing_blob_digests_size();
  }
};

digest sized(const digest& like, std::int64_t size) {
  return *digest::parse(like.hash(), size, like.function());
}

constexpr int ok = 0;
constexpr int invalid_argument = 3;
constexpr int not_found = 5;

} // namespace

CAF_TEST_FIXTURE_SCOPE(cas_service_tests, fixture)

// ---- FindMissingBlobs ------------------------------------------------------------------------

CAF_TEST(find names what is missing and the empty blob never is) {
  const auto there = put("hello");
  const auto gone = digest::of("gone");
  const auto [status, answer] = find({there.to_proto(), gone.to_proto(), digest().to_proto()});
  CAF_REQUIRE(status.ok());
  CAF_REQUIRE_EQUAL(answer.missing_blob_digests_size(), 1);
  CAF_CHECK_EQUAL(answer.missing_blob_digests(0).hash(), gone.hash());
  CAF_CHECK_EQUAL(answer.missing_blob_digests(0).size_bytes(), 4);
}

CAF_TEST(find treats the right hash with a wrong size as missing) {
  const auto there = put("hello");
  const auto [status, answer] = find({sized(there, 6).to_proto()});
  CAF_REQUIRE(status.ok());
  CAF_CHECK_EQUAL(answer.missing_blob_digests_size(), 1);
}

CAF_TEST(find refuses malformed digests) {
  reapi::Digest empty_hash;
  CAF_CHECK_EQUAL(find({empty_hash}).first.error_code(), invalid_argument);
  auto upper = digest::of("x").to_proto();
  upper.set_hash(std::string(64, 'A'));
  CAF_CHECK_EQUAL(find({upper}).first.error_code(), invalid_argument);
  auto odd = digest::of("x").to_proto();
  odd.set_hash("abc");
  const auto [status, answer] = find({odd});
  CAF_CHECK_EQUAL(status.error_code(), invalid_argument);
  CAF_CHECK(contains(status.error_message(), "SHA256"));
  auto negative = digest::of("x").to_proto();
  negative.set_size_bytes(-1);
  CAF_CHECK_EQUAL(find({negative}).first.error_code(), invalid_argument);
}

CAF_TEST(a digest function that is not announced is refused by name) {
  const auto [status, answer] = find({digest().to_proto()}, reapi::DigestFunction::BLAKE3);
  CAF_CHECK_EQUAL(status.error_code(), invalid_argument);
  CAF_CHECK(contains(status.error_message(), "BLAKE3"));
  CAF_CHECK(contains(status.error_message(), "SHA256"));
}

CAF_TEST(without a digest function the length of the hash decides among the announced ones) {
  context->digest_functions = {digest_function::sha256, digest_function::sha1};
  const auto sha1 = digest::of("x", digest_function::sha1);
  CAF_CHECK(find({digest().to_proto(), sha1.to_proto()}).first.ok());
  CAF_CHECK(find({sha1.to_proto()}, reapi::DigestFunction::SHA1).first.ok());
  CAF_CHECK_EQUAL(find({sha1.to_proto()}, reapi::DigestFunction::SHA256).first.error_code(),
                  invalid_argument);
}

// ---- BatchUpdateBlobs ------------------------------------------------------------------------

CAF_TEST(what a batch stored can be found and read at once) {
  reapi::BatchUpdateBlobsRequest request;
  const auto a = digest::of("a");
  const auto b = digest::of("bb");
  add(request, a, "a");
  add(request, b, "bb");
  add(request, a, "a"); // twice is fine
  const auto [status, answer] = update(request);
  CAF_REQUIRE(status.ok());
  CAF_REQUIRE_EQUAL(answer.responses_size(), 3);
  for (const auto& x : answer.responses())
    CAF_CHECK_EQUAL(x.status().code(), ok);
  CAF_CHECK_EQUAL(answer.responses(1).digest().hash(), b.hash());
  CAF_CHECK_EQUAL(missing_of({a.to_proto(), b.to_proto()}), 0);
  CAF_CHECK_EQUAL(bytes_of(b), "bb");
}

CAF_TEST(a bad blob does not fail the others of its batch) {
  reapi::BatchUpdateBlobsRequest request;
  add(request, digest::of("a"), "b");           // another hash
  add(request, sized(digest::of("c"), 7), "c"); // another size
  add(request, digest::of("d"), "d");
  request.mutable_requests(2)->set_compressor(reapi::Compressor::ZSTD);
  add(request, digest::of("e"), "e");
  request.mutable_requests(3)->mutable_digest()->set_hash("short");
  add(request, digest::of("f"), "f");
  const auto [status, answer] = update(request);
  CAF_REQUIRE(status.ok());
  CAF_REQUIRE_EQUAL(answer.responses_size(), 5);
  for (int i = 0; i < 4; ++i) {
    CAF_CHECK_EQUAL(answer.responses(i).status().code(), invalid_argument);
    CAF_CHECK(!answer.responses(i).status().message().empty());
  }
  CAF_CHECK_EQUAL(answer.responses(4).status().code(), ok);
  CAF_CHECK(stored(digest::of("f")));
  for (const auto* text : {"a", "b", "c", "d", "e"})
    CAF_CHECK(!stored(digest::of(text)));
}

CAF_TEST(a batch may hold far more blobs than files may be open) {
  reapi::BatchUpdateBlobsRequest request;
  std::vector<digest> ids;
  for (int i = 0; i < 1000; ++i) { // the fixture allows 100 open writes
    ids.push_back(digest::of(std::to_string(i)));
    add(request, ids.back(), std::to_string(i));
  }
  const auto [status, answer] = update(request);
  CAF_REQUIRE(status.ok());
  for (const auto& x : answer.responses())
    CAF_CHECK_EQUAL(x.status().code(), ok);
  const auto [read_status, blobs_read] = read(ids);
  CAF_REQUIRE(read_status.ok());
  for (int i = 0; i < 1000; ++i)
    CAF_CHECK_EQUAL(blobs_read.responses(i).data(), std::to_string(i));
}

CAF_TEST(the empty blob may be uploaded) {
  reapi::BatchUpdateBlobsRequest request;
  add(request, digest(), "");
  const auto [status, answer] = update(request);
  CAF_REQUIRE(status.ok());
  CAF_CHECK_EQUAL(answer.responses(0).status().code(), ok);
}

CAF_TEST(a batch above the announced limit is INVALID_ARGUMENT and one at the limit is not ) {
  context->max_batch_total_size_bytes = 1600; // 1500 without framing
  reapi::BatchUpdateBlobsRequest request;
  const std::string half(750, 'x');
  add(request, digest::of(half), half);
  add(request, digest::of(half), half);
  CAF_CHECK(update(request).first.ok());
  add(request, digest::of("y"), "y");
  const auto [status, answer] = update(request);
  CAF_CHECK_EQUAL(status.error_code(), invalid_argument);
  CAF_CHECK(contains(status.error_message(), "1500"));
  CAF_CHECK(!stored(digest::of("y")));
}

// ---- BatchReadBlobs --------------------------------------------------------------------------

CAF_TEST(a batch read has one status per blob) {
  const auto there = put("hello");
  const auto [status, answer] = read({there, digest::of("gone"), digest(), sized(there, 6), there});
  CAF_REQUIRE(status.ok());
  CAF_REQUIRE_EQUAL(answer.responses_size(), 5);
  CAF_CHECK_EQUAL(answer.responses(0).data(), "hello");
  CAF_CHECK_EQUAL(answer.responses(0).status().code(), ok);
  CAF_CHECK_EQUAL(answer.responses(1).status().code(), not_found);
  CAF_CHECK_EQUAL(answer.responses(1).digest().hash(), digest::of("gone").hash());
  CAF_CHECK_EQUAL(answer.responses(2).status().code(), ok);
  CAF_CHECK_EQUAL(answer.responses(2).data(), "");
  CAF_CHECK_EQUAL(answer.responses(3).status().code(), not_found);
  CAF_CHECK_EQUAL(answer.responses(4).data(), "hello");
}

CAF_TEST(a malformed digest in a batch read fails alone) {
  const auto there = put("hello");
  reapi::BatchReadBlobsRequest request;
  *request.add_digests() = there.to_proto();
  request.add_digests()->set_hash("short");
  const auto [status, answer] = call<reapi::BatchReadBlobsRequest, reapi::BatchReadBlobsResponse>(
      &blobs::BatchReadBlobs, request);
  CAF_REQUIRE(status.ok());
  CAF_CHECK_EQUAL(answer.responses(0).status().code(), ok);
  CAF_CHECK_EQUAL(answer.responses(1).status().code(), invalid_argument);
}

CAF_TEST(a batch read above the announced limit is INVALID_ARGUMENT) {
  const auto huge = sized(digest::of("x"), digest::max_size_bytes);
  CAF_CHECK_EQUAL(read({huge, huge}).first.error_code(), invalid_argument);
}

CAF_TEST(the answer to a batch read stays below what clients receive) {
  std::vector<digest> ids;
  for (int i = 0; i < 30'000; ++i)
    ids.push_back(digest::of("nothing " + std::to_string(i % 1000) + std::string(90, 'x')));
  for (int i = 0; i < 1000; ++i)
    put("nothing " + std::to_string(i) + std::string(90, 'x'));
  const auto [status, answer] = read(ids); // 3 MB of bytes, some 5 MB with digests
  CAF_REQUIRE(status.ok());
  CAF_REQUIRE_EQUAL(answer.responses_size(), 30'000);
  CAF_CHECK_EQUAL(answer.responses(0).status().code(), ok);
  CAF_CHECK_EQUAL(answer.responses(29'999).status().code(), 8); // RESOURCE_EXHAUSTED: ask again
}

CAF_TEST(batches that are not taken have a budget and the blobs above it are asked for again) {
  context->answers = std::make_shared<memory_budget>(1500);
  const auto first = put(std::string(1000, 'x'));
  const auto second = put(std::string(1000, 'y'));
  const auto [status, answer] = read({first, digest::of("gone"), second});
  CAF_REQUIRE(status.ok());
  CAF_CHECK_EQUAL(answer.responses(0).status().code(), ok);
  CAF_CHECK_EQUAL(answer.responses(1).status().code(), not_found);
  CAF_CHECK_EQUAL(answer.responses(2).status().code(), 8); // RESOURCE_EXHAUSTED
  CAF_CHECK(contains(answer.responses(2).status().message(), "try again"));
  CAF_CHECK(answer.responses(2).data().empty());
  CAF_CHECK(comes_true([&] { return context->answers->used() == 0; }));
  CAF_CHECK_EQUAL(bytes_of(second), std::string(1000, 'y'));
}

CAF_TEST(a batch with very many blobs is INVALID_ARGUMENT even if they are all empty) {
  reapi::BatchUpdateBlobsRequest update_request;
  reapi::BatchReadBlobsRequest read_request;
  for (int i = 0; i <= 100'000; ++i) {
    update_request.add_requests();
    read_request.add_digests();
  }
  const auto updated = update(update_request).first;
  CAF_CHECK_EQUAL(updated.error_code(), invalid_argument);
  CAF_CHECK(contains(updated.error_message(), "100000 blobs, not 100001"));
  const auto was_read = call<reapi::BatchReadBlobsRequest, reapi::BatchReadBlobsResponse>(
      &blobs::BatchReadBlobs, read_request);
  CAF_CHECK_EQUAL(was_read.first.error_code(), invalid_argument);
}

CAF_TEST(a blob that vanished from the disk is not found and no longer vouched for) {
  const auto id = put("hello");
  CAF_REQUIRE(store->remove(id).ok());
  CAF_CHECK_EQUAL(read({id}).second.responses(0).status().code(), not_found);
  CAF_CHECK_EQUAL(missing_of({id.to_proto()}), 1);
}

// ---- metrics -------------------------------------------------------------------------------

CAF_TEST(every call is counted by its status code) {
  find({});
  find({}, reapi::DigestFunction::BLAKE3);
  const auto text = meters->expose();
  const std::string method = "grpc_method=\"FindMissingBlobs\","
                             "grpc_service=\"build.bazel.remote.execution.v2."
                             "ContentAddressableStorage\"} ";
  CAF_CHECK(contains(text, "grpc_server_started_total{" + method + "2"));
  CAF_CHECK(contains(text, "grpc_server_handled_total{grpc_code=\"OK\"," + method + "1"));
  CAF_CHECK(
      contains(text, "grpc_server_handled_total{grpc_code=\"InvalidArgument\"," + method + "1"));
}

CAF_TEST_FIXTURE_SCOPE_END()
