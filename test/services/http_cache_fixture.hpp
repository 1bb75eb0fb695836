#pragma once
#include "services/http_cache.hpp"
#include "services/http_endpoint.hpp"
#include "test/services/http_client.hpp"

#include <thread>

namespace expbuild::test {

inline std::string blob_path(const digest& id) {
  return "/cas/" + id.hash();
}

inline std::string result_path(const digest& action) {
  return "/ac/" + action.hash();
}

struct http_cache_fixture : service_fixture {
  http_cache_options options;
  http_endpoint_options http;
  std::unique_ptr<http_endpoint> endpoint;

  ~http_cache_fixture() { endpoint.reset(); }

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
    return "PUT " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
           + std::to_string(length) + "\r\n" + more + "\r\n";
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
inline std::string bytes_of_length(std::size_t n) {
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

} // namespace expbuild::test
