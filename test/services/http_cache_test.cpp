#define CAF_SUITE services.http_cache
#include "services/http_cache.hpp"
#include "services/http_endpoint.hpp"
#include "test/services/http_client.hpp"

#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

std::string blob_path(const digest& id) {
  return "/cas/" + id.hash();
}

std::string result_path(const digest& action) {
  return "/ac/" + action.hash();
}

struct fixture : service_fixture {
  http_cache_options options;
  http_endpoint_options http;
  std::unique_ptr<http_endpoint> endpoint;

  ~fixture() { endpoint.reset(); }

  http_client connect() {
    if (!endpoint) {
      http.address = "127.0.0.1:0";
      auto made = make_http_endpoint(http, http_pages(context, [] { return true; }),
                                     std::make_shared<http_cache>(context, options));
      CAF_REQUIRE(made.ok());
      endpoint = *std::move(made);
    }
    return http_client(endpoint->port());
  }

  std::string ask(const std::string& method, const std::string& target) {
    return connect().ask(method, target);
  }
  std::string get(const std::string& target) { return ask("GET", target); }

  static std::string head_of_put(const std::string& target, std::size_t length,
                                 const std::string& more = "") {
    return "PUT " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(length)
           + "\r\n" + more + "\r\n";
  }
  std::string put_to(const std::string& target, const std::string& body,
                     const std::string& more = "") {
    auto client = connect();
    client.send(head_of_put(target, body.size(), more) + body);
    return client.reply();
  }

  static reapi::ActionResult result_with(const digest& file) {
    reapi::ActionResult result;
    auto& x = *result.add_output_files();
    x.set_path("out");
    *x.mutable_digest() = file.to_proto();
    return result;
  }

  bool ended(const std::string& code, const std::string& method) {
    return contains(meters->expose(), "grpc_code=\"" + code + "\",grpc_method=\"" + method + "\"");
  }

  grpc::Status get_by_grpc(const digest& action, reapi::ActionResult& result) {
    client_context call;
    reapi::GetActionResultRequest request;
    *request.mutable_action_digest() = action.to_proto();
    return stub<reapi::ActionCache>()->GetActionResult(&call, request, &result);
  }
  grpc::Status put_by_grpc(const digest& action, const reapi::ActionResult& result) {
    client_context call;
    reapi::UpdateActionResultRequest request;
    *request.mutable_action_digest() = action.to_proto();
    *request.mutable_action_result() = result;
    reapi::ActionResult answer;
    return stub<reapi::ActionCache>()->UpdateActionResult(&call, request, &answer);
  }
};

/// Not compressible, not periodic in any power of two.
std::string bytes_of_length(std::size_t n) {
  std::string x(n, '\0');
  std::uint64_t state = 88172645463325252u;
  for (auto& c : x) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state);
  }
  return x;
}

/// For what the server's threads do in their own time.
template <class Holds>
void until(Holds holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end)
      CAF_FAIL("it did not happen within 20 s");
    std::this_thread::yield();
  }
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(http_cache_tests, fixture)

// ---- blobs -----------------------------------------------------------------------------------

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
  client.send("HEAD " + blob_path(id) + " HTTP/1.1\r\nHost: x\r\n\r\n");
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

CAF_TEST(an upload without a length is 411 and one that is encoded 415) {
  const auto id = digest::of("hello");
  auto client = connect();
  client.send(
      "PUT " + blob_path(id)
      + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
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
  client.send("GET " + blob_path(id) + " HTTP/1.1\r\nHost: x\r\n\r\n");
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
    client.send("GET " + blob_path(id) + " HTTP/1.1\r\nHost: x\r\nRange: " + what + "\r\n\r\n");
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

// ---- paths -----------------------------------------------------------------------------------

CAF_TEST(the configured instance may stand before and any other is 404 in words) {
  const auto id = put("hello");
  CAF_CHECK(begins(get("/main" + blob_path(id)), "HTTP/1.1 200 "));
  CAF_CHECK(begins(get("/" + blob_path(id)), "HTTP/1.1 200 "));
  for (const auto* instance : {"/other", "/main/deeper", "/MAIN"}) {
    const auto answer = get(instance + blob_path(id));
    CAF_CHECK(begins(answer, "HTTP/1.1 404 "));
    CAF_CHECK(contains(answer, "this server serves instance 'main'"));
  }
}

CAF_TEST(what is no hash is 400 in words) {
  for (const std::string hash : {"", "abc", "../../etc/passwd", std::string(64, 'G').c_str(),
                                 std::string(64, 'A').c_str(), std::string(63, 'a').c_str()})
    CAF_CHECK(!begins(get("/cas/" + hash), "HTTP/1.1 200 "));
  CAF_CHECK(begins(get("/cas/" + std::string(64, 'A')), "HTTP/1.1 400 "));
  CAF_CHECK(contains(get("/ac/abc"), "3 characters"));
}

CAF_TEST(the function of a hash follows from its length) {
  context->digest_functions = {digest_function::sha256, digest_function::sha1};
  const auto id = digest::of("hello", digest_function::sha1);
  CAF_CHECK(begins(put_to(blob_path(id), "hello"), "HTTP/1.1 200 "));
  CAF_CHECK_EQUAL(body_of(get(blob_path(id))), "hello");
  const auto not_offered = digest::of("hello", digest_function::sha512);
  CAF_CHECK(begins(put_to(blob_path(not_offered), "hello"), "HTTP/1.1 400 "));
}

CAF_TEST(other methods are 405 and the pages stay as they are) {
  const auto answer = ask("DELETE", blob_path(digest()));
  CAF_CHECK(begins(answer, "HTTP/1.1 405 "));
  CAF_CHECK(contains(answer, "Allow: GET, HEAD, PUT"));
  CAF_CHECK(begins(get("/healthz"), "HTTP/1.1 200 "));
  CAF_CHECK(contains(put_to("/healthz", "x"), "Allow: GET, HEAD\r\n"));
  CAF_CHECK(begins(get("/cas"), "HTTP/1.1 404 "));
}

CAF_TEST(a page in a browser can not write) {
  const auto id = digest::of("hello");
  CAF_CHECK(
      begins(put_to(blob_path(id), "hello", "Origin: http://evil.example\r\n"), "HTTP/1.1 403 "));
  CAF_CHECK(!stored(id));
}

CAF_TEST(without a cache its paths are unknown pages) {
  auto made =
      make_http_endpoint({.address = "127.0.0.1:0"}, http_pages(context, [] { return true; }));
  CAF_REQUIRE(made.ok());
  const auto answer = http_client((*made)->port()).ask("GET", blob_path(digest()));
  CAF_CHECK(begins(answer, "HTTP/1.1 404 "));
  CAF_CHECK(contains(answer, "/metrics"));
}

CAF_TEST(many requests go over one connection whatever their outcome) {
  auto client = connect();
  const auto file = bytes_of_length(50'000);
  const auto id = digest::of(file);
  const auto request = [&](const std::string& text) {
    client.send(text);
    const auto answer = client.reply();
    return answer.substr(9, 3);
  };
  const auto get_blob = "GET " + blob_path(id) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  CAF_CHECK_EQUAL(request(get_blob), "404");
  CAF_CHECK_EQUAL(request(head_of_put(blob_path(id), 5) + "wrong"), "400");
  CAF_CHECK_EQUAL(request(head_of_put("/other/ac/1", 5) + "wrong"), "404");
  CAF_CHECK_EQUAL(request(head_of_put(blob_path(id), file.size()) + file), "200");
  CAF_CHECK_EQUAL(request(get_blob), "200");
  CAF_CHECK_EQUAL(request("GET /ac/1 HTTP/1.1\r\nHost: x\r\n\r\n"), "400");
  CAF_CHECK_EQUAL(request(get_blob), "200");
}

CAF_TEST(a client that is still sending sees why it is refused) {
  const auto body = bytes_of_length(20 << 20);
  auto client = connect();
  client.send(head_of_put("/ac/" + std::string(64, 'a'), body.size()) + body);
  client.finish();
  const auto answer = client.rest();
  CAF_CHECK(begins(answer, "HTTP/1.1 413 "));
  CAF_CHECK(contains(answer, "Connection: close"));
}

// ---- results -----------------------------------------------------------------------------------

CAF_TEST(a result that was put is found while everything in it is there) {
  const auto action = put("an action");
  const auto file = put("file");
  CAF_CHECK(begins(get(result_path(action)), "HTTP/1.1 404 "));
  CAF_CHECK(
      begins(put_to(result_path(action), result_with(file).SerializeAsString()), "HTTP/1.1 200 "));
  const auto answer = get(result_path(action));
  CAF_CHECK(begins(answer, "HTTP/1.1 200 "));
  CAF_CHECK(contains(answer, "Content-Type: application/octet-stream\r\n"));
  reapi::ActionResult result;
  CAF_REQUIRE(result.ParseFromString(body_of(answer)));
  CAF_CHECK_EQUAL(result.output_files(0).digest().hash(), file.hash());
  CAF_CHECK(begins(ask("HEAD", result_path(action)), "HTTP/1.1 200 "));
  caf::anon_send(context->cas, blobs_lost{.trace = {}, .digests = {file}});
  CAF_CHECK(begins(get(result_path(action)), "HTTP/1.1 404 "));
  CAF_CHECK(begins(ask("HEAD", result_path(action)), "HTTP/1.1 404 "));
}

CAF_TEST(a result whose blobs are missing is refused with their names) {
  const auto answer =
      put_to(result_path(put("an action")), result_with(digest::of("gone")).SerializeAsString());
  CAF_CHECK(begins(answer, "HTTP/1.1 409 "));
  CAF_CHECK(contains(answer, digest::of("gone").hash()));
}

CAF_TEST(results of gRPC and of HTTP are the same where the action is stored) {
  const auto action = put("an action");
  const auto result = result_with(put("file"));
  CAF_CHECK(put_by_grpc(action, result).ok());
  CAF_CHECK(begins(get(result_path(action)), "HTTP/1.1 200 "));
  const auto other = put("another action");
  CAF_CHECK(begins(put_to(result_path(other), result.SerializeAsString()), "HTTP/1.1 200 "));
  reapi::ActionResult found;
  CAF_CHECK(get_by_grpc(other, found).ok());
  CAF_CHECK_EQUAL(found.output_files(0).path(), "out");
}

CAF_TEST(a result is found again although nobody stored its action) {
  const auto action = digest::of("an action that nobody stored");
  const auto result = result_with(put("file"));
  CAF_CHECK(begins(put_to(result_path(action), result.SerializeAsString()), "HTTP/1.1 200 "));
  CAF_CHECK(begins(get(result_path(action)), "HTTP/1.1 200 "));
}

CAF_TEST(what is no result is 400 in words and so is nothing at all) {
  const auto action = put("an action");
  for (const std::string body : {"", "this is no protobuf", "\xcc\xac", "\x98\x06\x01"}) {
    const auto answer = put_to(result_path(action), body);
    CAF_CHECK(begins(answer, "HTTP/1.1 400 "));
    CAF_CHECK(contains(answer, "no ActionResult"));
  }
  CAF_CHECK(begins(get(result_path(action)), "HTTP/1.1 404 "));
}

CAF_TEST(a server that takes no results from clients says 403 and still takes blobs) {
  context->action_cache_update_enabled = false;
  const auto action = put("an action");
  const auto answer = put_to(result_path(action), result_with(put("file")).SerializeAsString());
  CAF_CHECK(begins(answer, "HTTP/1.1 403 "));
  CAF_CHECK(contains(answer, "action_cache_update_enabled"));
  CAF_CHECK(begins(get(result_path(action)), "HTTP/1.1 404 "));
  CAF_CHECK(begins(put_to(blob_path(digest::of("b")), "b"), "HTTP/1.1 200 "));
}

CAF_TEST(results under way take no more memory than allowed) {
  options.max_held_bytes = 100;
  const auto action = put("an action");
  const auto held = head_of_put(result_path(action), 60);
  auto first = connect();
  first.send(held + "x");
  auto probe = connect();
  probe.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); // the first one has been read by now
  probe.reply();
  CAF_CHECK(begins(put_to(result_path(action), std::string(60, 'x')), "HTTP/1.1 503 "));
  first.send(std::string(59, 'x'));
  CAF_CHECK(begins(first.reply(), "HTTP/1.1 400 "));
  CAF_CHECK(begins(put_to(result_path(action), std::string(60, 'x')), "HTTP/1.1 400 "));
}

CAF_TEST(any value is kept under ac where that is allowed) {
  options.any_value = true;
  const auto key = digest::of("ccache made this up");
  for (const auto& value : {std::string("\xcc\xac some value"), bytes_of_length(400'000)}) {
    CAF_CHECK(begins(put_to(result_path(key), value), "HTTP/1.1 200 "));
    CAF_CHECK(body_of(get(result_path(key))) == value);
  }
  const auto head = ask("HEAD", result_path(key));
  CAF_CHECK(begins(head, "HTTP/1.1 200 "));
  CAF_CHECK(contains(head, "Content-Length: 400000\r\n"));
  const auto action = put("an action");
  CAF_CHECK(begins(put_to(result_path(action), result_with(put("file")).SerializeAsString()),
                   "HTTP/1.1 200 "));
  reapi::ActionResult result;
  CAF_CHECK(result.ParseFromString(body_of(get(result_path(action)))));
  CAF_CHECK_EQUAL(result.output_files(0).path(), "out");
}

CAF_TEST(an actor that is gone costs the request and not the server) {
  context->action_cache = fake<action_cache_actor>(); // drops everything
  CAF_CHECK(begins(get(result_path(digest::of("a"))), "HTTP/1.1 503 "));
  CAF_CHECK(begins(get("/healthz"), "HTTP/1.1 200 "));
}

CAF_TEST(stopping ends uploads and downloads that are under way) {
  const auto text = bytes_of_length(16 << 20);
  const auto id = put(text);
  auto download = connect();
  download.send("GET " + blob_path(id) + " HTTP/1.1\r\nHost: x\r\n\r\n");
  auto upload = connect();
  upload.send(head_of_put(blob_path(digest::of("hello")), 5) + "he");
  get("/healthz"); // both have been accepted by now
  endpoint->stop();
  CAF_CHECK_EQUAL(upload.rest(), "");
  CAF_CHECK(download.rest().size() < text.size());
}

CAF_TEST_FIXTURE_SCOPE_END()
