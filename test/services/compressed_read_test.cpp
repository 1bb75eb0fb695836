#define CAF_SUITE services.compressed_read
#include "test/services/compressed_stream_fixture.hpp"
#include "test/support/folder.hpp"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(compressed_read_tests, compressed_stream_fixture)

CAF_TEST(a compressed read unpacks to the blob) {
  for (const std::size_t size : {1, 1000, 9'000'000}) {
    const auto bytes = sample(size);
    const auto id = put(bytes);
    for (const auto how : codecs)
      CAF_CHECK(unpacked(id, how) == bytes);
  }
}

CAF_TEST(a compressed read is short where the blob allows it) {
  const auto id = put(std::string(9'000'000, 'x'));
  for (const auto how : codecs)
    CAF_CHECK(bytes_of(packed_name(id, how)).size() < 100'000);
}

CAF_TEST(a blob that is stored compressed is sent as it is stored) {
  const temporary_folder folder;
  context->store = *make_filesystem_backend({.root = folder.path(), .compresses = true});
  context->cas =
      keep(sys.spawn(cas, cas_options{.store = context->store, .io = io, .meters = meters}));
  const auto bytes = std::string(2'000'000, 'x') + sample(1'000'000);
  const auto id = *write_blob(*context->store, bytes, digest_function::sha256);
  const auto stored = (*context->store->open(id))->stored_stream(codec::zstd);
  CAF_REQUIRE(stored.bytes != nullptr);
  std::string frames(static_cast<std::size_t>(stored.size), '\0');
  CAF_CHECK(stored.bytes->read_at(0, frames).ok());
  CAF_CHECK(bytes_of(packed_name(id)) == frames);
  for (const auto how : codecs) {
    CAF_CHECK(unpacked(id, how) == bytes);
    CAF_CHECK(unpacked(id, how, 1'999'999) == bytes.substr(1'999'999));
    CAF_CHECK_EQUAL(unpacked(id, how, id.size_bytes()), "");
  }
  CAF_CHECK(bytes_of(id.to_resource()) == bytes);
}

CAF_TEST(the offset of a compressed read counts plain bytes) {
  const auto bytes = std::string(100'000, 'x') + "the end";
  const auto id = put(bytes);
  for (const auto how : codecs) {
    CAF_CHECK_EQUAL(unpacked(id, how, 100'000), "the end");
    CAF_CHECK_EQUAL(unpacked(id, how, id.size_bytes()), "");
    CAF_CHECK(read(packed_name(id, how), id.size_bytes() + 1).first == grpc::OUT_OF_RANGE);
    CAF_CHECK(read(packed_name(id, how), -1).first == grpc::OUT_OF_RANGE);
  }
}

CAF_TEST(a limit on a compressed read is INVALID_ARGUMENT) {
  const auto id = put("hello");
  for (const auto limit : {1, 5, 100, -1})
    CAF_CHECK(read(packed_name(id), 0, limit).first == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(last_error, "read_limit"));
}

CAF_TEST(the empty blob is a compressed stream of nothing) {
  for (const auto how : codecs) {
    CAF_CHECK(!bytes_of(packed_name(digest(), how)).empty());
    CAF_CHECK_EQUAL(unpacked(digest(), how), "");
  }
}

CAF_TEST(an absent blob is NOT_FOUND also compressed) {
  CAF_CHECK(read(packed_name(digest::of("gone"))).first == grpc::NOT_FOUND);
}

CAF_TEST(compressors that are not offered are refused with those that are) {
  context->codecs = {codec::deflate};
  const auto id = put("hello");
  CAF_CHECK(read(packed_name(id)).first == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(last_error, "compressor 'zstd' is not offered"));
  CAF_CHECK(contains(last_error, "DEFLATE"));
  CAF_CHECK(write(digest::of("new"), zstd("new")) == grpc::INVALID_ARGUMENT);
  CAF_CHECK_EQUAL(unpacked(id, codec::deflate), "hello");
  for (const auto* other : {"DEFLATE", "identity", "lz4"}) // names are lower case
    CAF_CHECK(read("compressed-blobs/" + (other + ("/" + id.to_string()))).first
              == grpc::INVALID_ARGUMENT);
}

CAF_TEST(what was read holds no memory afterwards) {
  const auto id = put(sample(3'000'000));
  unpacked(id, codec::zstd);
  CAF_CHECK(comes_true([&] { return context->pieces->used() == 0; }));
}

CAF_TEST_FIXTURE_SCOPE_END()
