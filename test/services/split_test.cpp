#define CAF_SUITE services.split
#include "test/services/chunking_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

using fixture = chunking_fixture;
using function = reapi::ChunkingFunction;

} // namespace

CAF_TEST_FIXTURE_SCOPE(split_tests, fixture)

CAF_TEST(the chunks are stored and make the blob again) {
  const auto bytes = some_bytes(100'000);
  const auto [status, answer] = split(put(bytes));
  CAF_REQUIRE(status.ok());
  const auto chunks = digests_of(answer);
  CAF_CHECK(chunks.size() > 50);
  CAF_CHECK(missing_of(chunks).empty());
  CAF_CHECK(joined(chunks) == bytes);
}

CAF_TEST(without a wish the server chooses and says what) {
  const auto [status, answer] = split(put(some_bytes(10'000)));
  CAF_REQUIRE(status.ok());
  CAF_CHECK_EQUAL(answer.chunking_function(), function::FAST_CDC_2020);
}

CAF_TEST(the function that the client prefers decides where the cuts are) {
  const auto bytes = some_bytes(50'000);
  const auto id = put(bytes);
  for (const auto wanted : {function::FAST_CDC_2020, function::REP_MAX_CDC}) {
    const auto [status, answer] = split(id, wanted);
    CAF_REQUIRE(status.ok());
    CAF_CHECK_EQUAL(answer.chunking_function(), wanted);
    std::vector<std::int64_t> ends;
    const auto cutter = *context->chunks->make(wanted);
    cutter->feed(bytes, ends);
    cutter->finish(ends);
    std::int64_t at = 0;
    std::vector<std::int64_t> answered;
    for (const auto& chunk : answer.chunk_digests())
      answered.push_back(at += chunk.size_bytes());
    CAF_CHECK_EQUAL(answered, ends);
  }
}

CAF_TEST(a function that nobody knows is a wish that is not fulfilled) {
  const auto [status, answer] = split(put(some_bytes(10'000)), static_cast<function::Value>(77));
  CAF_REQUIRE(status.ok());
  CAF_CHECK_EQUAL(answer.chunking_function(), function::FAST_CDC_2020);
}

CAF_TEST(a blob that is a chunk by itself is its own chunk) {
  const auto id = put("small");
  const auto [status, answer] = split(id);
  CAF_REQUIRE(status.ok());
  CAF_CHECK(digests_of(answer) == std::vector<digest>{id});
}

CAF_TEST(the empty blob is its own chunk and always there) {
  const auto [status, answer] = split(digest());
  CAF_REQUIRE(status.ok());
  CAF_CHECK(digests_of(answer) == std::vector<digest>{digest()});
}

CAF_TEST(chunks that repeat are named every time and stored once) {
  const auto id = put(std::string(100'000, 'x'));
  const auto [status, answer] = split(id);
  CAF_REQUIRE(status.ok());
  const auto chunks = digests_of(answer);
  CAF_CHECK_EQUAL(joined(chunks), std::string(100'000, 'x'));
  CAF_CHECK_EQUAL(std::set<digest>(chunks.begin(), chunks.end()).size(), 2u); // the last is shorter
}

CAF_TEST(an absent blob is NOT_FOUND) {
  const auto [status, answer] = split(digest::of("gone"));
  CAF_CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
  CAF_CHECK(contains(status.error_message(), digest::of("gone").hash()));
}

CAF_TEST(the right hash with a wrong size is NOT_FOUND) {
  auto id = put("hello").to_proto();
  id.set_size_bytes(6);
  CAF_CHECK(split(id).first.error_code() == grpc::StatusCode::NOT_FOUND);
}

CAF_TEST(a blob that its file has left is NOT_FOUND) {
  const auto id = put(some_bytes(10'000));
  lose(id);
  CAF_CHECK(split(id).first.error_code() == grpc::StatusCode::NOT_FOUND);
}

CAF_TEST(a malformed digest and an unknown instance are INVALID_ARGUMENT) {
  reapi::Digest odd;
  odd.set_hash("short");
  CAF_CHECK(split(odd).first.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  client_context call;
  reapi::SplitBlobRequest request;
  request.set_instance_name("other");
  *request.mutable_blob_digest() = digest().to_proto();
  reapi::SplitBlobResponse answer;
  CAF_CHECK(
      stub<reapi::ContentAddressableStorage>()->SplitBlob(&call, request, &answer).error_code()
      == grpc::StatusCode::INVALID_ARGUMENT);
}

CAF_TEST(chunks have the digest function of their blob) {
  context->digest_functions = {digest_function::sha256, digest_function::sha1};
  const auto id = *write_blob(*store, some_bytes(10'000), digest_function::sha1);
  announce(id);
  const auto [status, answer] = split(id);
  CAF_REQUIRE(status.ok());
  const auto chunks = digests_of(answer, digest_function::sha1);
  CAF_CHECK(joined(chunks) == some_bytes(10'000));
}

CAF_TEST(a blob that was split before is answered from memory while its chunks are there) {
  const auto id = put(some_bytes(50'000));
  const auto known = std::make_shared<const std::vector<digest>>(
      std::vector<digest>{put("not what a chunker"), put("would make of it")});
  const auto used = split(id).second.chunking_function();
  context->chunks->remember(id, used, known);
  const auto [status, again] = split(id);
  CAF_REQUIRE(status.ok());
  CAF_CHECK(digests_of(again) == *known);
}

CAF_TEST(chunks that were evicted are made again) {
  const auto bytes = some_bytes(50'000);
  const auto id = put(bytes);
  const auto chunks = digests_of(split(id).second);
  evict(chunks[3]);
  CAF_CHECK_EQUAL(missing_of(chunks).size(), 1u);
  CAF_CHECK(split(id).first.ok());
  CAF_CHECK(missing_of(chunks).empty());
  CAF_CHECK(joined(chunks) == bytes);
}

CAF_TEST(a blob with more chunks than an answer can name is not split) {
  const auto id = put(std::string(60 << 20, 'x')); // 60000 chunks of a kilobyte
  const auto status = split(id).first;
  CAF_CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
  CAF_CHECK(contains(status.error_message(), "read it whole"));
}

CAF_TEST(what turns out to have more chunks than an answer can name is not split) {
  // With so many equal bytes every chunk is as small as they get: 57344 of them instead of 43000.
  const auto id = put(std::string(14 << 20, 'x'));
  const auto status = split(id, function::REP_MAX_CDC).first;
  CAF_CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
  CAF_CHECK(contains(status.error_message(), "read it whole"));
  CAF_CHECK_EQUAL(context->chunks->turns().active(), 0u);
}

CAF_TEST(more calls than may wait are refused and the others end) {
  use({.max_at_once = 1, .max_waiting = 1});
  work_turns::turn mine;
  CAF_REQUIRE(context->chunks->turns().take([&](work_turns::turn x) { mine = std::move(x); }));
  const auto a = put(some_bytes(20'000, "a"));
  const auto b = put(some_bytes(20'000, "b"));
  stub<reapi::ContentAddressableStorage>(); // starts the server
  auto waits = std::async(std::launch::async, [&] { return split(a).first; });
  while (context->chunks->turns().waiting() == 0)
    std::this_thread::yield();
  const auto refused = split(b).first;
  CAF_CHECK(refused.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CAF_CHECK(contains(refused.error_message(), "try again"));
  mine.reset();
  CAF_CHECK(waits.get().ok());
  CAF_CHECK(split(b).first.ok());
}

CAF_TEST(many clients that split the same blob all get the same answer) {
  use({.max_at_once = 2}); // the fixture allows 100 open writes
  const auto bytes = some_bytes(200'000);
  const auto id = put(bytes);
  stub<reapi::ContentAddressableStorage>(); // starts the server
  std::vector<std::future<std::pair<grpc::Status, reapi::SplitBlobResponse>>> answers;
  for (int i = 0; i < 16; ++i)
    answers.push_back(std::async(std::launch::async, [&] { return split(id); }));
  for (auto& each : answers) {
    const auto [status, answer] = each.get();
    CAF_CHECK_EQUAL(status.error_message(), "");
    CAF_CHECK(joined(digests_of(answer)) == bytes);
  }
  CAF_CHECK_EQUAL(context->chunks->turns().active(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
