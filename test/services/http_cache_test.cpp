#define CAF_SUITE services.http_cache
#include "test/services/http_cache_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(http_cache_tests, http_cache_fixture)

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
  for (const auto& hash :
       std::initializer_list<std::string>{"", "abc", "../../etc/passwd", std::string(64, 'G'),
                                          std::string(64, 'A'), std::string(63, 'a')})
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

CAF_TEST(a page of another name reads and writes nothing on an endpoint of this machine) {
  const auto id = put("hello");
  CAF_CHECK(begins(connect().ask("GET", blob_path(id), "evil.example"), "HTTP/1.1 403 "));
  CAF_CHECK(begins(connect().ask("PUT", blob_path(digest()), "evil.example"), "HTTP/1.1 403 "));
  CAF_CHECK(begins(connect().ask("GET", blob_path(id), "127.0.0.1"), "HTTP/1.1 200 "));
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
  const auto get_blob = "GET " + blob_path(id) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  CAF_CHECK_EQUAL(request(get_blob), "404");
  CAF_CHECK_EQUAL(request(head_of_put(blob_path(id), 5) + "wrong"), "400");
  CAF_CHECK_EQUAL(request(head_of_put("/other/ac/1", 5) + "wrong"), "404");
  CAF_CHECK_EQUAL(request(head_of_put(blob_path(id), file.size()) + file), "200");
  CAF_CHECK_EQUAL(request(get_blob), "200");
  CAF_CHECK_EQUAL(request("GET /ac/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"), "400");
  CAF_CHECK_EQUAL(request(get_blob), "200");
}

CAF_TEST(a client that is still sending sees why it is refused) {
  const auto body = bytes_of_length(20 << 20);
  auto client = connect();
  CAF_CHECK(client.send(head_of_put("/ac/" + std::string(64, 'a'), body.size()) + body));
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
  CAF_CHECK(store->remove(file).ok());
  caf::anon_send(context->cas, blobs_lost{.trace = {}, .digests = {file}});
  CAF_CHECK(begins(get(result_path(action)), "HTTP/1.1 404 "));
  CAF_CHECK(begins(ask("HEAD", result_path(action)), "HTTP/1.1 404 "));
}

CAF_TEST(a large result comes back whole) {
  const auto action = put("an action");
  auto result = result_with(put("file"));
  for (int i = 0; i < 5000; ++i)
    result.add_output_symlinks()->set_path("a/link/of/some/length/" + std::to_string(i));
  const auto bytes = result.SerializeAsString();
  CAF_CHECK(bytes.size() > 100'000);
  CAF_CHECK(begins(put_to(result_path(action), bytes), "HTTP/1.1 200 "));
  CAF_CHECK(body_of(get(result_path(action))) == bytes);
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

CAF_TEST(a result that was put before its action is found after it) {
  const auto action = digest::of("an action");
  const auto result = result_with(put("file"));
  CAF_CHECK(begins(put_to(result_path(action), result.SerializeAsString()), "HTTP/1.1 200 "));
  put("an action");
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
  const auto status_of_another = [&] {
    return put_to(result_path(action), std::string(60, 'x')).substr(9, 3);
  };
  auto first = connect();
  first.send(held + "x");
  until([&] { return status_of_another() == "503"; });
  first.send(std::string(59, 'x'));
  CAF_CHECK(begins(first.reply(), "HTTP/1.1 400 "));
  until([&] { return status_of_another() == "400"; });
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
  download.send("GET " + blob_path(id) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto upload = connect();
  upload.send(head_of_put(blob_path(digest::of("hello")), 5) + "he");
  get("/healthz"); // both have been accepted by now
  endpoint->stop();
  CAF_CHECK_EQUAL(upload.rest(), "");
  CAF_CHECK(download.rest().size() < text.size());
}

CAF_TEST_FIXTURE_SCOPE_END()
