#define CAF_SUITE services.http_blobs
#include "test/services/http_cache_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(http_blobs_tests, http_cache_fixture)

CAF_TEST(a blob that was put is found by its hash and by gRPC) {
  const std::string text = "hello";
  const auto id = digest::of(text);
  CAF_CHECK(begins(get(blob_path(id)), "HTTP/1.1 404 "));
  CAF_CHECK(begins(put_to(blob_path(id), text), "HTTP/1.1 200 "));
  const auto answer = get(blob_path(id));
  CAF_CHECK(begins(answer, "HTTP/1.1 200 "));
  CAF_CHECK(contains(answer, "Content-Length: 5\r\n"));
  CAF_CHECK(contains(answer, "Content-Type: application/octet-stream\r\n"));
  CAF_CHECK_EQUAL(body_of(answer), text);
  client_context call;
  reapi::FindMissingBlobsRequest request;
  *request.add_blob_digests() = id.to_proto();
  reapi::FindMissingBlobsResponse missing;
  CAF_CHECK(
      stub<reapi::ContentAddressableStorage>()->FindMissingBlobs(&call, request, &missing).ok());
  CAF_CHECK_EQUAL(missing.missing_blob_digests_size(), 0);
}

CAF_TEST(blobs of any size go there and come back) {
  for (const std::size_t size : {0, 1, 8191, 9000, 256 << 10, (256 << 10) + 1, 3'000'017}) {
    const auto text = bytes_of_length(size);
    const auto id = digest::of(text);
    CAF_CHECK(begins(put_to(blob_path(id), text), "HTTP/1.1 200 "));
    CAF_CHECK(body_of(get(blob_path(id))) == text);
  }
  until([&] { return context->pieces->used() == 0; });
}

CAF_TEST(the empty blob is always there) {
  const auto answer = get(blob_path(digest()));
  CAF_CHECK(begins(answer, "HTTP/1.1 200 "));
  CAF_CHECK(contains(answer, "Content-Length: 0\r\n"));
}

CAF_TEST(HEAD says how large a blob is and sends nothing of it) {
  const auto id = put("hello");
  auto client = connect();
  client.send("HEAD " + blob_path(id) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto answer = client.reply(true);
  CAF_CHECK(begins(answer, "HTTP/1.1 200 "));
  CAF_CHECK(contains(answer, "Content-Length: 5\r\n"));
  CAF_CHECK(begins(client.ask("GET", "/healthz"), "HTTP/1.1 200 ")); // nothing stood in between
  CAF_CHECK(begins(ask("HEAD", blob_path(digest::of("absent"))), "HTTP/1.1 404 "));
}

CAF_TEST(other bytes than the hash says are refused and not stored) {
  const auto id = digest::of("hello");
  const auto answer = put_to(blob_path(id), "jello");
  CAF_CHECK(begins(answer, "HTTP/1.1 400 "));
  CAF_CHECK(contains(answer, id.hash()));
  CAF_CHECK(!stored(id));
  CAF_CHECK(begins(get(blob_path(id)), "HTTP/1.1 404 "));
  CAF_CHECK(begins(put_to(blob_path(id), "hell"), "HTTP/1.1 400 "));
  CAF_CHECK(begins(put_to(blob_path(id), ""), "HTTP/1.1 400 "));
}

CAF_TEST(a blob that is there already is received and the connection goes on) {
  const auto text = bytes_of_length(2'000'000);
  const auto id = put(text);
  auto client = connect();
  client.send(head_of_put(blob_path(id), text.size()) + text);
  CAF_CHECK(begins(client.reply(), "HTTP/1.1 200 "));
  CAF_CHECK(begins(client.ask("GET", "/healthz"), "HTTP/1.1 200 "));
}

CAF_TEST(a client that waits to be invited is) {
  const auto text = bytes_of_length(100'000);
  const auto id = digest::of(text);
  auto client = connect();
  client.send(head_of_put(blob_path(id), text.size(), "Expect: 100-continue\r\n"));
  CAF_CHECK_EQUAL(client.reply(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(text);
  CAF_CHECK(begins(client.reply(), "HTTP/1.1 200 "));
  CAF_CHECK(stored(id));
}

CAF_TEST(a client that waits to be invited hears at once what is wrong) {
  context->action_cache_update_enabled = false;
  auto client = connect();
  client.send(head_of_put(result_path(digest::of("a")), 100, "Expect: 100-continue\r\n"));
  const auto answer = client.rest();
  CAF_CHECK(begins(answer, "HTTP/1.1 403 "));
  CAF_CHECK(contains(answer, "Connection: close"));
}

CAF_TEST(a blob that no store could ever hold is 413 and makes no room for itself) {
  const auto id = put("there before");
  for (const auto* length : {"9223372036854775807", "18446744073709551615", "17592186044416"}) {
    auto client = connect();
    client.send("PUT " + blob_path(digest::of("x"))
                + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + "\r\n\r\n");
    CAF_CHECK(begins(client.rest(), "HTTP/1.1 413 "));
  }
  CAF_CHECK(stored(id));
}

CAF_TEST(an upload without a length is 411 and one that is encoded 415) {
  const auto id = digest::of("hello");
  auto client = connect();
  client.send("PUT " + blob_path(id)
              + " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  client.finish();
  CAF_CHECK(begins(client.rest(), "HTTP/1.1 411 "));
  CAF_CHECK(begins(ask("PUT", blob_path(id)), "HTTP/1.1 411 "));
  CAF_CHECK(begins(put_to(blob_path(id), "hello", "Content-Encoding: zstd\r\n"), "HTTP/1.1 415 "));
  CAF_CHECK(
      begins(put_to(blob_path(id), "hello", "Content-Encoding: identity\r\n"), "HTTP/1.1 200 "));
}

CAF_TEST(a full store is 507) {
  context->cas = fake<cas_actor>([](const begin_writes&, const reply<begun_writes>& answer) {
    answer(absl::ResourceExhaustedError("the disk is full"));
  });
  const auto answer = put_to(blob_path(digest::of("hello")), "hello");
  CAF_CHECK(begins(answer, "HTTP/1.1 507 "));
  CAF_CHECK(contains(answer, "the disk is full"));
}

CAF_TEST(a client that goes in the middle of an upload leaves nothing) {
  const auto text = bytes_of_length(1'500'000);
  const auto id = digest::of(text);
  {
    auto client = connect();
    client.send(head_of_put(blob_path(id), text.size()) + text.substr(0, 1'200'000));
  }
  const auto budget_is_back = [this] {
    mailbox<std::uint64_t> writes;
    caf::anon_send(
        context->cas, get_cas_stats{},
        reply<cas_stats>([&](const absl::StatusOr<cas_stats>& x) { writes.put(x->open_writes); }));
    return writes.take() == 0 && context->pieces->used() == 0;
  };
  until([&] { return ended("Canceled", "PUT cas") && budget_is_back(); });
  CAF_CHECK(!stored(id));
  CAF_CHECK(begins(put_to(blob_path(id), text), "HTTP/1.1 200 "));
}

CAF_TEST(a blob that was received whole is kept although its client has gone) {
  const auto text = bytes_of_length(1'500'000);
  const auto id = digest::of(text);
  {
    auto client = connect();
    client.send(head_of_put(blob_path(id), text.size()) + text);
  }
  until([&] { return begins(get(blob_path(id)), "HTTP/1.1 200 "); });
}

CAF_TEST(an upload of which nothing comes is ended after the timeout) {
  http.timeout = std::chrono::seconds(1);
  auto client = connect();
  client.send(head_of_put(blob_path(digest::of("hello")), 5) + "he");
  CAF_CHECK_EQUAL(client.rest(), "");
}

CAF_TEST(a download that nobody takes is ended after the timeout) {
  http.timeout = std::chrono::seconds(1);
  const auto text = bytes_of_length(32 << 20);
  const auto id = put(text);
  auto client = connect();
  client.send("GET " + blob_path(id) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  until([&] { return ended("Canceled", "GET cas"); });
  CAF_CHECK(client.rest().size() < text.size());
}

CAF_TEST(a blob that is damaged on disk is 404 and is asked for again) {
  struct torn_reader : blob_reader {
    explicit torn_reader(const digest& x) : id_(x) {}
    const digest& id() const noexcept override { return id_; }
    absl::StatusOr<std::size_t> read_at(std::int64_t, std::span<char>) override {
      return absl::DataLossError("shorter than its digest says");
    }
    absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t, std::span<char>) override {
      return std::nullopt;
    }
    digest id_;
  };
  const auto id = digest::of("hello");
  mailbox<digest> lost;
  context->cas = fake<cas_actor>(
      [id](const find_by_hash&, const reply<std::optional<digest>>& answer) { answer(id); },
      [id](const open_blobs&, const reply<opened_blobs>& answer) {
        opened_blobs all;
        all.emplace_back(std::make_shared<torn_reader>(id));
        answer(std::move(all));
      },
      [&lost](const blobs_lost& x) { lost.put(x.digests[0]); });
  CAF_CHECK(begins(get(blob_path(id)), "HTTP/1.1 404 "));
  CAF_CHECK(lost.take() == id);
}

CAF_TEST(one range of a blob can be asked for) {
  const auto id = put("0123456789");
  const auto range = [&](const std::string& what) {
    auto client = connect();
    client.send("GET " + blob_path(id) + " HTTP/1.1\r\nHost: localhost\r\nRange: " + what
                + "\r\n\r\n");
    return client.reply();
  };
  const auto middle = range("bytes=2-4");
  CAF_CHECK(begins(middle, "HTTP/1.1 206 "));
  CAF_CHECK(contains(middle, "Content-Range: bytes 2-4/10\r\n"));
  CAF_CHECK_EQUAL(body_of(middle), "234");
  CAF_CHECK_EQUAL(body_of(range("bytes=7-")), "789");
  CAF_CHECK_EQUAL(body_of(range("bytes=-3")), "789");
  CAF_CHECK_EQUAL(body_of(range("bytes=8-99")), "89");
  const auto beyond = range("bytes=10-");
  CAF_CHECK(begins(beyond, "HTTP/1.1 416 "));
  CAF_CHECK(contains(beyond, "Content-Range: bytes */10\r\n"));
  for (const auto* ignored : {"bytes=4-2", "bytes=x-", "bytes=-", "lines=1-2", "bytes=0-1,3-4",
                              "bytes=-3\r\nIf-Range: x"})
    CAF_CHECK_EQUAL(body_of(range(ignored)), "0123456789");
}

CAF_TEST_FIXTURE_SCOPE_END()
