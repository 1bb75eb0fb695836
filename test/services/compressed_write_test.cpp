#define CAF_SUITE services.compressed_write
#include "test/services/compressed_stream_fixture.hpp"
#include "test/support/folder.hpp"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(compressed_write_tests, compressed_stream_fixture)

CAF_TEST(a compressed write stores the plain bytes) {
  for (const auto how : codecs) {
    const auto bytes = sample(200'000 + static_cast<std::size_t>(how));
    const auto id = digest::of(bytes);
    CAF_CHECK(write(id, *compress(how, bytes), how) == grpc::OK);
    CAF_CHECK(bytes_of(id.to_resource()) == bytes);
    CAF_CHECK(query(to_write_packed(id, how)).complete());
    CAF_CHECK_EQUAL(query(to_write_packed(id, how)).committed_size(), id.size_bytes());
  }
}

CAF_TEST(a finished compressed write is answered as the client expects) {
  int number = 0;
  const auto committed_for = [&](const std::string& tool) {
    const auto bytes = std::string(1000, 'x') + std::to_string(++number);
    CAF_CHECK(write(digest::of(bytes), zstd(bytes), codec::zstd, tool) == grpc::OK);
    return committed;
  };
  const auto size_on_wire = [](int n) {
    return static_cast<std::int64_t>(zstd(std::string(1000, 'x') + std::to_string(n)).size());
  };
  CAF_CHECK_EQUAL(committed_for("bazel"), size_on_wire(1));
  CAF_CHECK_EQUAL(committed_for("buck2"), size_on_wire(2));
  CAF_CHECK_EQUAL(committed_for("siso/1.6.4"), 1001);
  CAF_CHECK_EQUAL(committed_for("something else"), -1);
  CAF_CHECK_EQUAL(committed_for(""), -1);
}

CAF_TEST(a compressed write of a blob that is there is answered at once) {
  const auto id = put("hello");
  const auto committed_for = [&](const std::string& tool) {
    upload x(*this, tool);
    CAF_CHECK(x.send(to_write_packed(id), 0, zstd("hello").substr(0, 3)).answered() == grpc::OK);
    return x.answer.committed_size();
  };
  CAF_CHECK_EQUAL(committed_for("bazel"), -1);
  CAF_CHECK_EQUAL(committed_for("siso"), 5);
  CAF_CHECK_EQUAL(committed_for(""), -1);
}

CAF_TEST(a blob that somebody else stores meanwhile ends a compressed write at once) {
  const auto id = digest::of("hello");
  upload slow(*this, "bazel");
  slow.send(to_write_packed(id), 0, zstd("hello").substr(0, 3));
  CAF_CHECK(comes_true([&] { return context->unpacking->used() > 0; }));
  upload quick(*this);
  CAF_CHECK(quick.send(to_write(id), 0, "hello", true).end() == grpc::OK);
  CAF_CHECK(slow.answered() == grpc::OK);
  CAF_CHECK_EQUAL(slow.answer.committed_size(), -1);
}

CAF_TEST(messages may cut several frames anywhere) {
  const auto bytes = sample(3000);
  const auto id = digest::of(bytes);
  const auto frames = zstd(bytes.substr(0, 1000)) + zstd("") + zstd(bytes.substr(1000));
  upload x(*this, "bazel");
  for (std::size_t at = 0; at < frames.size(); at += 37)
    x.send(at == 0 ? to_write_packed(id) : "", static_cast<std::int64_t>(at),
           frames.substr(at, 37));
  CAF_CHECK(x.send("", static_cast<std::int64_t>(frames.size()), "", true).end() == grpc::OK);
  CAF_CHECK_EQUAL(x.answer.committed_size(), static_cast<std::int64_t>(frames.size()));
  CAF_CHECK(bytes_of(id.to_resource()) == bytes);
}

CAF_TEST(a few bytes that become very many are stored) {
  const std::string bytes(60'000'000, 'x'); // many steps in the pool
  const auto id = digest::of(bytes);
  CAF_CHECK(write(id, zstd(bytes)) == grpc::OK);
  CAF_CHECK(stored(id));
}

CAF_TEST(what does not unpack to the blob is INVALID_ARGUMENT and stores nothing) {
  const auto bytes = sample(1000);
  const auto id = digest::of(bytes);
  for (const auto how : codecs) {
    const auto good = *compress(how, bytes);
    for (const auto& bad : {bytes, std::string(), good.substr(0, good.size() / 2), good + "x",
                            good.substr(0, good.size() - 1), *compress(how, bytes.substr(1)),
                            *compress(how, bytes + "x"), *compress(how, std::string(1000, 'y')),
                            *compress(how, std::string(3'000'000, 'b'))})
      CAF_CHECK(write(id, bad, how) == grpc::INVALID_ARGUMENT);
    CAF_CHECK(!stored(id));
    CAF_CHECK(!query(to_write_packed(id, how)).complete());
  }
}

CAF_TEST(a stream that grows without unpacking to anything is stopped) {
  const auto id = digest::of("hello");
  const auto skippable =
      std::string("\x50\x2a\x4d\x18\x00\x00\x20\x00", 8) + std::string(2 << 20, 'j');
  CAF_CHECK(write(id, skippable + zstd("hello")) == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(last_error, "more than"));
}

CAF_TEST(within a stream the offset counts compressed bytes) {
  const auto bytes = std::string(10'000, 'x');
  const auto id = digest::of(bytes);
  const auto frame = zstd(bytes);
  upload x(*this);
  CAF_CHECK(
      x.send(to_write_packed(id), 0, frame.substr(0, 5)).send("", 6, frame.substr(6), true).end()
      == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(x.error, "write_offset is 6, but 5"));
}

CAF_TEST(an interrupted compressed write reports nothing and leaves nothing) {
  const temporary_folder folder;
  context->store = *make_filesystem_backend({folder.path()});
  context->cas =
      keep(sys.spawn(cas, cas_options{.store = context->store, .io = io, .meters = meters}));
  const auto bytes = sample(300'000);
  const auto id = digest::of(bytes);
  const auto frame = zstd(bytes);
  upload broken(*this, "bazel");
  CAF_CHECK(broken.send(to_write_packed(id), 0, frame.substr(0, 100'000)).end() == grpc::OK);
  CAF_CHECK_EQUAL(broken.answer.committed_size(), 0);
  CAF_CHECK_EQUAL(query(to_write_packed(id)).committed_size(), 0);
  CAF_CHECK(!query(to_write_packed(id)).complete());
  CAF_CHECK(comes_true([&] { return count_files(folder.path() / "tmp") == 0; }));
  upload resumed(*this, "bazel");
  CAF_CHECK(resumed.send(to_write_packed(id), 100'000, frame.substr(100'000), true).end()
            == grpc::INVALID_ARGUMENT);
  CAF_CHECK(write(id, frame, codec::zstd, "bazel") == grpc::OK);
  CAF_CHECK_EQUAL(committed, static_cast<std::int64_t>(frame.size()));
}

CAF_TEST(the newer compressed stream of a name begins anew) {
  const auto bytes = sample(300'000);
  const auto id = digest::of(bytes);
  upload old(*this);
  old.send(to_write_packed(id), 0, zstd(bytes).substr(0, 1000)); // and then nothing
  CAF_CHECK(comes_true([&] { return context->unpacking->used() > 0; }));
  CAF_CHECK_EQUAL(query(to_write_packed(id)).committed_size(), 0); // also while it runs
  CAF_CHECK(write(id, zstd(bytes)) == grpc::OK);
  CAF_CHECK(old.answered() == grpc::ABORTED);
  CAF_CHECK(stored(id));
}

CAF_TEST(unpacking has a budget that is given back) {
  const auto bytes = sample(300'000);
  const auto id = digest::of(bytes);
  context->unpacking = std::make_shared<memory_budget>(1000);
  CAF_CHECK(write(id, zstd(bytes)) == grpc::RESOURCE_EXHAUSTED);
  CAF_CHECK(comes_true([&] { return context->unpacking->used() == 0; }));
  CAF_CHECK(!stored(id));
}

CAF_TEST(compressed writes that are cancelled at any moment all end) {
  const auto frame = zstd(std::string(30'000'000, 'z'));
  for (std::size_t i = 1; i <= 50; ++i) { // so far it has come
    upload x(*this);
    x.send(to_write_packed(digest::of(std::to_string(i) + std::string(30'000'000, 'z'))), 0,
           frame.substr(0, i * frame.size() / 50));
    x.call.TryCancel();
    CAF_CHECK(x.answered() == grpc::CANCELLED);
  }
  CAF_CHECK(comes_true([&] { return context->calls->streams() == 0; }));
  CAF_CHECK(comes_true([&] { return context->unpacking->used() == 0; }));
}

CAF_TEST_FIXTURE_SCOPE_END()
