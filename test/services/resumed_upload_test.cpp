#define CAF_SUITE services.resumed_upload
#include "test/services/byte_stream_fixture.hpp"
#include "test/support/folder.hpp"

#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : byte_stream_fixture {
  const digest id = digest::of("hello world");
  const std::string name = to_write(id);

  /// Sends the beginning and goes away without an end.
  void interrupt(const std::string& beginning) {
    upload x(*this);
    CAF_CHECK(x.send(name, 0, beginning).end() == grpc::OK);
    CAF_CHECK_EQUAL(x.answer.committed_size(), static_cast<std::int64_t>(beginning.size()));
  }
};

/// A writer that says how much it got and when it is gone.
struct counted_writer : blob_writer {
  explicit counted_writer(std::int64_t bytes) : bytes_(bytes) {}
  std::int64_t size() const noexcept override { return bytes_; }
  absl::Status append(std::string_view) override { return absl::OkStatus(); }
  absl::Status commit() override { return absl::OkStatus(); }
  std::int64_t bytes_;
};

std::shared_ptr<blob_writer> writer_of(std::int64_t bytes) {
  return std::make_shared<counted_writer>(bytes);
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(resumed_upload_tests, fixture)

// ---- resuming --------------------------------------------------------------------------------

CAF_TEST(an interrupted upload goes on where it ended) {
  interrupt("hello");
  CAF_CHECK_EQUAL(query(name).committed_size(), 5);
  CAF_CHECK(!query(name).complete());
  upload rest(*this);
  CAF_CHECK(rest.send(name, 5, " world", true).end() == grpc::OK);
  CAF_CHECK_EQUAL(rest.answer.committed_size(), 11);
  CAF_CHECK_EQUAL(bytes_of(id.to_resource()), "hello world");
  CAF_CHECK(query(name).complete());
}

CAF_TEST(a client whose connection broke finds what it had sent) {
  {
    upload x(*this);
    x.send(name, 0, "hello");
    CAF_CHECK(comes_true([&] { return query(name).committed_size() == 5; })); // also while it runs
    x.call.TryCancel();
    CAF_CHECK(x.answered() == grpc::CANCELLED);
  }
  CAF_CHECK_EQUAL(query(name).committed_size(), 5);
  upload rest(*this);
  CAF_CHECK(rest.send(name, 5, " world", true).end() == grpc::OK);
  CAF_CHECK(stored(id));
}

CAF_TEST(an upload of which nothing comes for long is ended and can be taken up) {
  const auto usual = context->upload_patience;
  context->upload_patience = std::chrono::milliseconds(500); // from the headers on
  {
    upload x(*this);
    CAF_CHECK(x.send(name, 0, "hello").answered() == grpc::DEADLINE_EXCEEDED);
    CAF_CHECK(contains(x.error, "nothing came"));
    upload silent(*this);
    CAF_CHECK(silent.answered() == grpc::DEADLINE_EXCEEDED); // not even its name
  }
  server->shutdown(std::chrono::seconds(1)); // so that nobody reads what is set here
  server.reset();
  context->upload_patience = usual;
  CAF_CHECK_EQUAL(query(name).committed_size(), 5);
  upload rest(*this);
  CAF_CHECK(rest.send(name, 5, " world", true).end() == grpc::OK);
  CAF_CHECK(stored(id));
}

CAF_TEST(an upload that was received whole but not finished needs no byte more) {
  interrupt("hello world");
  upload rest(*this);
  CAF_CHECK(rest.send(name, 11, "", true).end() == grpc::OK);
  CAF_CHECK(stored(id));
}

CAF_TEST(a client may send again some of what was received) {
  interrupt("hello wo"); // of which it had heard when it was less
  upload rest(*this);
  rest.send(name, 5, " w"); // nothing new yet
  CAF_CHECK(comes_true([&] { return query(name).committed_size() == 8; }));
  CAF_CHECK(rest.send(name, 7, "orld", true).end() == grpc::OK);
  CAF_CHECK_EQUAL(rest.answer.committed_size(), 11);
  CAF_CHECK_EQUAL(bytes_of(id.to_resource()), "hello world");
}

CAF_TEST(offset 0 begins again) {
  interrupt("jello");
  upload again(*this);
  CAF_CHECK(again.send(name, 0, "hello world", true).end() == grpc::OK);
  CAF_CHECK(stored(id));
}

CAF_TEST(an offset beyond what was received is refused and costs nothing) {
  interrupt("hello");
  upload x(*this);
  CAF_CHECK(x.send(name, 7, "orld", true).end() == grpc::INVALID_ARGUMENT);
  CAF_CHECK(contains(x.error, "write_offset is 7, but 5"));
  CAF_CHECK_EQUAL(query(name).committed_size(), 5);
}

CAF_TEST(upload state belongs to the whole resource name) {
  interrupt("hello");
  for (const auto& other :
       {to_write(id, "/other"), "main/" + name, "uploads/another/" + id.to_resource(),
        to_write(digest::of("hello")), to_write(digest::of("hello there"))})
    CAF_CHECK_EQUAL(query(other).committed_size(), 0);
}

CAF_TEST(wrong bytes are found also after a resume and leave nothing to take up) {
  interrupt("hullo");
  upload rest(*this);
  CAF_CHECK(rest.send(name, 5, " world", true).end() == grpc::INVALID_ARGUMENT);
  CAF_CHECK_EQUAL(query(name).committed_size(), 0);
  CAF_CHECK(!stored(id));
}

CAF_TEST(a resume of a blob that somebody stored meanwhile is answered at once) {
  interrupt("hello");
  put("hello world");
  CAF_CHECK_EQUAL(query(name).committed_size(), 11);
  upload rest(*this);
  CAF_CHECK(rest.send(name, 5, " w").answered() == grpc::OK);
  CAF_CHECK_EQUAL(rest.answer.committed_size(), 11);
}

// ---- two at once -----------------------------------------------------------------------------

CAF_TEST(the newer stream of a name takes over and goes on) {
  upload old(*this);
  old.send(name, 0, "hello"); // and then nothing: its client is gone, but nobody knows
  CAF_CHECK(comes_true([&] { return query(name).committed_size() == 5; }));
  upload young(*this);
  CAF_CHECK(young.send(name, 5, " world", true).end() == grpc::OK);
  CAF_CHECK(old.answered() == grpc::ABORTED);
  CAF_CHECK(contains(old.error, "taken over"));
  CAF_CHECK(stored(id));
}

CAF_TEST(of many streams of one name one wins and all are answered) {
  const std::string bytes(300'000, 'm');
  const auto many = digest::of(bytes);
  std::atomic<int> won{0};
  std::vector<std::thread> clients;
  stub<google::bytestream::ByteStream>();
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      upload x(*this);
      for (std::size_t at = 0; at < bytes.size(); at += 50'000)
        x.send(to_write(many), static_cast<std::int64_t>(at), bytes.substr(at, 50'000),
               at + 50'000 == bytes.size());
      won += x.end() == grpc::OK ? 1 : 0;
    });
  for (auto& each : clients)
    each.join();
  CAF_CHECK(won >= 1);
  CAF_CHECK(stored(many));
}

CAF_TEST(a blob that another writer finishes is answered without waiting for the end) {
  upload slow(*this);
  slow.send(name, 0, "hello"); // and then nothing
  CAF_CHECK(comes_true([&] { return query(name).committed_size() == 5; }));
  upload quick(*this);
  CAF_CHECK(quick.send("uploads/other/" + id.to_resource(), 0, "hello world", true).end()
            == grpc::OK);
  CAF_CHECK(slow.answered() == grpc::OK);
  CAF_CHECK_EQUAL(slow.answer.committed_size(), 11);
}

CAF_TEST(a blob that a batch brings is answered without waiting for the end) {
  upload slow(*this);
  slow.send(name, 0, "hello");
  CAF_CHECK(comes_true([&] { return query(name).committed_size() == 5; }));
  client_context call;
  reapi::BatchUpdateBlobsRequest batch;
  *batch.add_requests()->mutable_digest() = id.to_proto();
  batch.mutable_requests(0)->set_data("hello world");
  reapi::BatchUpdateBlobsResponse done;
  CAF_CHECK(stub<reapi::ContentAddressableStorage>()->BatchUpdateBlobs(&call, batch, &done).ok());
  CAF_CHECK(slow.answered() == grpc::OK);
  CAF_CHECK_EQUAL(slow.answer.committed_size(), 11);
}

// ---- what is kept ----------------------------------------------------------------------------

CAF_TEST(an interrupted upload is given up when its time is over) {
  context->uploads =
      std::make_shared<upload_board>(io, suspension_options{.ttl = std::chrono::milliseconds(20)});
  interrupt("hello");
  CAF_CHECK(comes_true([&] { return query(name).committed_size() == 0; }));
}

CAF_TEST(a server that stops leaves no temporary file of an interrupted upload) {
  const temporary_folder folder;
  context->store = *make_filesystem_backend({.root = folder.path(), .packed_below = 0});
  context->cas =
      keep(sys.spawn(cas, cas_options{.store = context->store, .io = io, .meters = meters}));
  interrupt("hello");
  CAF_CHECK_EQUAL(count_files(folder.path() / "tmp"), 1u);
  server->shutdown(std::chrono::seconds(1));
  server.reset();
  context->uploads.reset();
  CAF_CHECK(comes_true([&] { return count_files(folder.path() / "tmp") == 0; }));
}

CAF_TEST(interrupted uploads are bounded by number and bytes and the oldest go first) {
  const auto now = suspended_uploads::time_point{} + std::chrono::hours(1);
  suspended_uploads suspended(
      {.ttl = std::chrono::seconds(60), .max_uploads = 2, .max_bytes = 100});
  CAF_CHECK(suspended.add("a", writer_of(1), now).empty());
  CAF_CHECK(suspended.add("b", writer_of(2), now).empty());
  CAF_CHECK_EQUAL(suspended.add("c", writer_of(3), now).size(), 1u);
  CAF_CHECK(!suspended.size_of("a"));
  CAF_CHECK_EQUAL(suspended.add("big", writer_of(99), now).size(),
                  2u); // one by number, one by bytes
  CAF_CHECK(suspended.size_of("big") == 99);
  CAF_CHECK_EQUAL(suspended.add("too big", writer_of(101), now).size(), 2u);
  CAF_CHECK(!suspended.next_expiry());
}

CAF_TEST(interrupted uploads expire by age and a newer one replaces an older of its name) {
  const auto now = suspended_uploads::time_point{} + std::chrono::hours(1);
  suspended_uploads suspended({.ttl = std::chrono::seconds(60)});
  suspended.add("a", writer_of(1), now);
  CAF_CHECK_EQUAL(suspended.add("a", writer_of(5), now + std::chrono::seconds(10)).size(), 1u);
  CAF_CHECK(suspended.size_of("a") == 5);
  CAF_CHECK(suspended.next_expiry() == now + std::chrono::seconds(70));
  CAF_CHECK(suspended.expire(now + std::chrono::seconds(69)).empty());
  CAF_CHECK_EQUAL(suspended.expire(now + std::chrono::seconds(70)).size(), 1u);
  CAF_CHECK(suspended.take("a") == nullptr);
}

CAF_TEST_FIXTURE_SCOPE_END()
