#define CAF_SUITE services.compressed_batch
#include "test/services/fixture.hpp"

#include <random>

/// BatchUpdateBlobs and BatchReadBlobs with compressors.

using namespace expbuild;
using namespace expbuild::test;

namespace {

using reapi::Compressor;

constexpr int ok = 0;
constexpr int invalid_argument = 3;

struct fixture : service_fixture {
  reapi::BatchUpdateBlobsRequest batch;

  void add(const digest& id, const std::string& data, Compressor::Value how) {
    auto& x = *batch.add_requests();
    *x.mutable_digest() = id.to_proto();
    x.set_data(data);
    x.set_compressor(how);
  }

  void add(const std::string& bytes, codec how) {
    add(digest::of(bytes), *compress(how, bytes), static_cast<Compressor::Value>(how));
  }

  grpc::Status update() {
    client_context call;
    updated.Clear();
    return stub<reapi::ContentAddressableStorage>()->BatchUpdateBlobs(&call, batch, &updated);
  }

  int code_of(int index) { return updated.responses(index).status().code(); }

  /// The first answer.
  reapi::BatchReadBlobsResponse::Response read(const digest& id,
                                               const std::vector<Compressor::Value>& acceptable) {
    client_context call;
    reapi::BatchReadBlobsRequest request;
    *request.add_digests() = id.to_proto();
    for (const auto each : acceptable)
      request.add_acceptable_compressors(each);
    reapi::BatchReadBlobsResponse answer;
    const auto done =
        stub<reapi::ContentAddressableStorage>()->BatchReadBlobs(&call, request, &answer);
    CAF_REQUIRE(done.ok());
    return answer.responses(0);
  }

  std::string stored_bytes(const std::string& bytes) { return read(digest::of(bytes), {}).data(); }

  reapi::BatchUpdateBlobsResponse updated;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(compressed_batch_tests, fixture)

// ---- update ----------------------------------------------------------------------------------

CAF_TEST(each blob of a batch may be packed in its own way) {
  const std::string a(5000, 'a');
  const std::string b(5000, 'b');
  add(a, codec::zstd);
  add(b, codec::deflate);
  add(digest::of("plain"), "plain", Compressor::IDENTITY);
  CAF_REQUIRE(update().ok());
  for (int i = 0; i < 3; ++i)
    CAF_CHECK_EQUAL(code_of(i), ok);
  CAF_CHECK(stored_bytes(a) == a);
  CAF_CHECK(stored_bytes(b) == b);
  CAF_CHECK_EQUAL(stored_bytes("plain"), "plain");
}

CAF_TEST(a blob that does not unpack to its digest fails alone) {
  const std::string bytes(5000, 'c');
  const auto id = digest::of(bytes);
  const auto good = *compress(codec::zstd, bytes);
  add(id, bytes, Compressor::ZSTD);
  add(id, good, Compressor::DEFLATE);
  add(id, good.substr(0, good.size() - 1), Compressor::ZSTD);
  add(id, *compress(codec::zstd, bytes + "c"), Compressor::ZSTD);
  add(id, *compress(codec::zstd, bytes.substr(1)), Compressor::ZSTD);
  add(id, *compress(codec::zstd, std::string(3'000'000, 'c')), Compressor::ZSTD); // a bomb
  add(id, bytes, Compressor::BROTLI);
  add(id, bytes, static_cast<Compressor::Value>(77));
  add("good", codec::zstd);
  CAF_REQUIRE(update().ok());
  for (int i = 0; i < 8; ++i)
    CAF_CHECK_EQUAL(code_of(i), invalid_argument);
  CAF_CHECK(contains(updated.responses(6).status().message(), "'BROTLI' is not offered"));
  CAF_CHECK_EQUAL(code_of(8), ok);
  CAF_CHECK(!stored(id));
  CAF_CHECK(stored(digest::of("good")));
}

CAF_TEST(the empty blob may come packed or not at all) {
  add("", codec::zstd);
  add(digest(), "", Compressor::DEFLATE);
  CAF_REQUIRE(update().ok());
  CAF_CHECK_EQUAL(code_of(0), ok);
  CAF_CHECK_EQUAL(code_of(1), ok);
}

CAF_TEST(the limit of a batch counts what its blobs are unpacked) {
  add(std::string(3'000'000, 'd'), codec::zstd);
  CAF_CHECK(update().ok());
  add(std::string(3'000'001, 'd'), codec::zstd);
  CAF_CHECK(update().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

CAF_TEST(a server that offers no compressor takes plain bytes only) {
  context->codecs.clear();
  add(std::string(5000, 'e'), codec::zstd);
  add(digest::of("plain"), "plain", Compressor::IDENTITY);
  CAF_REQUIRE(update().ok());
  CAF_CHECK_EQUAL(code_of(0), invalid_argument);
  CAF_CHECK_EQUAL(code_of(1), ok);
}

// ---- read ------------------------------------------------------------------------------------

CAF_TEST(a blob comes packed as the client accepts and zstd is preferred) {
  const std::string bytes(5000, 'f');
  const auto id = put(bytes);
  const auto packed = read(id, {Compressor::BROTLI, Compressor::DEFLATE, Compressor::ZSTD});
  CAF_CHECK(packed.compressor() == Compressor::ZSTD);
  CAF_CHECK(packed.data().size() < 200);
  CAF_CHECK(*decompress(codec::zstd, packed.data(), 5000) == bytes);
  const auto deflated = read(id, {Compressor::DEFLATE});
  CAF_CHECK(deflated.compressor() == Compressor::DEFLATE);
  CAF_CHECK(*decompress(codec::deflate, deflated.data(), 5000) == bytes);
}

CAF_TEST(what is not accepted or does not pay comes plain) {
  const auto text = put(std::string(5000, 'g'));
  const auto small = put(std::string(400, 'h'));
  std::string noise;
  std::mt19937 random(1);
  for (int i = 0; i < 5000; ++i)
    noise += static_cast<char>(random());
  for (const auto& x : {read(text, {}), read(text, {Compressor::IDENTITY, Compressor::BROTLI}),
                        read(small, {Compressor::ZSTD}), read(put(noise), {Compressor::ZSTD}),
                        read(digest(), {Compressor::ZSTD})}) {
    CAF_CHECK(x.compressor() == Compressor::IDENTITY);
    CAF_CHECK(static_cast<std::int64_t>(x.data().size()) == x.digest().size_bytes());
  }
}

CAF_TEST(an absent blob names no compressor) {
  const auto absent = read(digest::of("gone"), {Compressor::ZSTD});
  CAF_CHECK_EQUAL(absent.status().code(), 5);
  CAF_CHECK(absent.compressor() == Compressor::IDENTITY);
}

CAF_TEST_FIXTURE_SCOPE_END()
