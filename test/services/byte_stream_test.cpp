#define CAF_SUITE services.byte_stream
#include "test/services/byte_stream_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(byte_stream_tests, byte_stream_fixture)

// ---- Read ------------------------------------------------------------------------------------

CAF_TEST(a read returns the whole blob with and without the instance name) {
  const auto id = put("hello");
  CAF_CHECK_EQUAL(bytes_of(id.to_resource()), "hello");
  CAF_CHECK_EQUAL(bytes_of("main/" + id.to_resource()), "hello");
}

CAF_TEST(a large blob comes in messages that every client takes) {
  std::string bytes(9'000'001, 'x');
  bytes.back() = 'y';
  const auto id = put(bytes);
  const auto [code, got] = read(id.to_resource());
  CAF_CHECK(code == grpc::OK);
  CAF_CHECK(got == bytes);
}

CAF_TEST(a read begins at its offset and ends at its limit) {
  const auto name = put("0123456789").to_resource();
  CAF_CHECK_EQUAL(bytes_of(name, 3), "3456789");
  CAF_CHECK_EQUAL(bytes_of(name, 3, 4), "3456");
  CAF_CHECK_EQUAL(bytes_of(name, 3, 100), "3456789");
  CAF_CHECK_EQUAL(bytes_of(name, 10), "");
  CAF_CHECK(read(name, 10).first == grpc::OK);
}

CAF_TEST(an offset outside of the blob is OUT_OF_RANGE and a negative limit INVALID_ARGUMENT) {
  const auto name = put("0123456789").to_resource();
  CAF_CHECK(read(name, 11).first == grpc::OUT_OF_RANGE);
  CAF_CHECK(read(name, -1).first == grpc::OUT_OF_RANGE);
  CAF_CHECK(read(name, 0, -1).first == grpc::INVALID_ARGUMENT);
}

CAF_TEST(an absent blob is NOT_FOUND also when only its size is wrong) {
  const auto id = put("hello");
  CAF_CHECK(read(digest::of("gone").to_resource()).first == grpc::NOT_FOUND);
  CAF_CHECK(read("blobs/" + id.hash() + "/4").first == grpc::NOT_FOUND);
}

CAF_TEST(the empty blob is always there) {
  const auto [code, bytes] = read(digest().to_resource());
  CAF_CHECK(code == grpc::OK);
  CAF_CHECK_EQUAL(bytes, "");
}

CAF_TEST(names that can not be read are refused in words) {
  const auto id = digest::of("x");
  CAF_CHECK(read("nonsense").first == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(last_error, "nonsense"));
  CAF_CHECK(read(to_write(id)).first == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(last_error, "to write, not to read"));
  CAF_CHECK(read("other/" + id.to_resource()).first == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(last_error, "'other'"));
  CAF_CHECK(read("blobs/blake3/" + id.to_string()).first == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(last_error, "BLAKE3"));
  CAF_CHECK(read("compressed-blobs/brotli/" + id.to_string()).first == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(last_error, "compressor 'brotli' is not offered"));
}

// ---- Write -----------------------------------------------------------------------------------

CAF_TEST(a write in one message is committed and can be read at once) {
  const auto id = digest::of("hello");
  upload x(*this);
  CAF_CHECK(x.send("main/" + to_write(id), 0, "hello", true).end() == grpc::OK);
  CAF_CHECK_EQUAL(x.answer.committed_size(), 5);
  CAF_CHECK_EQUAL(bytes_of(id.to_resource()), "hello");
}

CAF_TEST(only the first message must carry the name and an empty one may finish) {
  const auto id = digest::of("hello");
  upload x(*this);
  x.send(to_write(id, "/foo.txt/blobs"), 0, "he").send("", 2, "").send("", 2, "llo");
  CAF_CHECK(x.send("", 5, "", true).end() == grpc::OK);
  CAF_CHECK_EQUAL(x.answer.committed_size(), 5);
  CAF_CHECK(stored(id));
}

CAF_TEST(a large write arrives whole) {
  const std::string bytes(9'000'000, 'z');
  const auto id = digest::of(bytes);
  upload x(*this);
  for (std::size_t at = 0; at < bytes.size(); at += 1'000'000)
    x.send(to_write(id), static_cast<std::int64_t>(at), bytes.substr(at, 1'000'000),
           at + 1'000'000 == bytes.size());
  CAF_CHECK(x.end() == grpc::OK);
  CAF_CHECK_EQUAL(x.answer.committed_size(), 9'000'000);
  CAF_CHECK(read(id.to_resource()).second == bytes);
}

CAF_TEST(a blob that is there is answered at once without waiting for the end of the stream) {
  const auto id = put("hello");
  upload x(*this);
  CAF_CHECK(x.send(to_write(id), 0, "h").answered() == grpc::OK);
  CAF_CHECK_EQUAL(x.answer.committed_size(), 5);
}

CAF_TEST(the empty blob is there) {
  upload x(*this);
  CAF_CHECK(x.send(to_write(digest()), 0, "", true).end() == grpc::OK);
  CAF_CHECK_EQUAL(x.answer.committed_size(), 0);
}

CAF_TEST(two writers of one blob both succeed) {
  const auto id = digest::of("hello");
  upload first(*this);
  upload second(*this);
  first.send(to_write(id), 0, "he");
  second.send("uploads/another/" + id.to_resource(), 0, "hel"); // one name is one writer's
  CAF_CHECK(first.send("", 2, "llo", true).end() == grpc::OK);
  CAF_CHECK(second.send("", 3, "lo", true).end() == grpc::OK);
  CAF_CHECK_EQUAL(second.answer.committed_size(), 5);
}

CAF_TEST(another hash or size is INVALID_ARGUMENT and nothing is stored) {
  const auto id = digest::of("hello");
  upload wrong(*this);
  CAF_CHECK(wrong.send(to_write(id), 0, "hullo", true).end() == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(wrong.error, id.to_string()));
  upload shorter(*this);
  CAF_CHECK(shorter.send(to_write(id), 0, "hell", true).end() == grpc::INVALID_ARGUMENT);
  upload longer(*this);
  CAF_CHECK(longer.send(to_write(id), 0, "hello!", true).end() == grpc::INVALID_ARGUMENT);
  CAF_CHECK(!stored(id));
  CAF_CHECK(!query(to_write(id)).complete());
}

CAF_TEST(another name or offset later on is INVALID_ARGUMENT) {
  const auto id = digest::of("hello");
  upload renamed(*this);
  renamed.send(to_write(id), 0, "he").send(to_write(id, "/other"), 2, "llo", true);
  CAF_CHECK(renamed.end() == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(renamed.error, "another resource"));
  upload skipping(*this);
  CAF_CHECK(skipping.send(to_write(id), 0, "he").send("", 3, "lo", true).end()
            == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(skipping.error, "write_offset is 3, but 2"));
  upload late(*this);
  CAF_CHECK(late.send(to_write(id), 1, "ello", true).end() == grpc::INVALID_ARGUMENT);
  CAF_CHECK(!stored(id));
}

CAF_TEST(a message after finish_write is INVALID_ARGUMENT) {
  const auto id = digest::of("hello");
  upload x(*this);
  CAF_CHECK(x.send(to_write(id), 0, "hello", true).send("", 5, "").end() == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(x.error, "follows finish_write"));
}

CAF_TEST(a stream that ends without finish_write is not complete) {
  const auto id = digest::of("hello");
  upload x(*this);
  CAF_CHECK(x.send(to_write(id), 0, "hel").end() == grpc::OK);
  CAF_CHECK_EQUAL(x.answer.committed_size(), 3);
  upload whole(*this);
  CAF_CHECK(whole.send(to_write(id), 0, "hello").end() == grpc::OK);
  CAF_CHECK(!stored(id));
}

CAF_TEST(a stream without a message or without a name is INVALID_ARGUMENT) {
  CAF_CHECK(upload(*this).end() == grpc::INVALID_ARGUMENT);
  CAF_CHECK(upload(*this).send("", 0, "x").end() == grpc::INVALID_ARGUMENT);
  CAF_CHECK(upload(*this).send(digest::of("x").to_resource(), 0, "x").end()
            == grpc::INVALID_ARGUMENT);
}

CAF_TEST(a client that vanishes leaves nothing behind and gives its place back) {
  const auto id = digest::of("hello");
  for (int i = 0; i < 150; ++i) { // the fixture allows 100 open writes
    upload x(*this);
    x.send(to_write(id), 0, "hel");
    x.call.TryCancel();
    CAF_CHECK(x.answered() == grpc::CANCELLED);
  }
  CAF_CHECK(!stored(id));
  upload last(*this);
  CAF_CHECK(last.send(to_write(id), 0, "hello", true).end() == grpc::OK);
}

CAF_TEST(a server that receives too many blobs at once says RESOURCE_EXHAUSTED) {
  context->cas = keep(sys.spawn(
      cas, cas_options{.store = store, .io = io, .meters = meters, .max_open_writes = 0}));
  upload x(*this);
  CAF_CHECK(x.send(to_write(digest::of("x")), 0, "x", true).end() == grpc::RESOURCE_EXHAUSTED);
}

// ---- QueryWriteStatus ------------------------------------------------------------------------

CAF_TEST(the status of an unknown upload is nothing committed) {
  const auto answer = query(to_write(digest::of("hello")));
  CAF_CHECK_EQUAL(answer.committed_size(), 0);
  CAF_CHECK(!answer.complete());
}

CAF_TEST(the status of a blob that is there is complete) {
  const auto answer = query(to_write(put("hello")));
  CAF_CHECK_EQUAL(answer.committed_size(), 5);
  CAF_CHECK(answer.complete());
}

CAF_TEST_FIXTURE_SCOPE_END()
