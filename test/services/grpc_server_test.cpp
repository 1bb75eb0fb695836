#define CAF_SUITE services.grpc_server
#include "test/services/fixture.hpp"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/support/byte_buffer.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : service_fixture {
  /// Calls a method of which we have no stub, with an empty request; the answer's bytes.
  std::pair<grpc::Status, std::string> call_raw(const std::string& method) {
    grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> generic(channel);
    client_context call;
    grpc::CompletionQueue queue;
    grpc::Slice empty;
    grpc::ByteBuffer request(&empty, 1);
    auto reader = generic.PrepareUnaryCall(&call, method, request, &queue);
    reader->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    reader->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    grpc::Slice slice;
    std::string bytes;
    if (status.ok() && answer.DumpToSingleSlice(&slice).ok())
      bytes.assign(reinterpret_cast<const char*>(slice.begin()), slice.size());
    return {status, bytes};
  }

  std::string health() { return call_raw("/grpc.health.v1.Health/Check").second; }
};

const std::string serving("\x08\x01", 2);
const std::string not_serving("\x08\x02", 2);

} // namespace

CAF_TEST_FIXTURE_SCOPE(grpc_server_tests, fixture)

CAF_TEST(health follows set_serving) {
  serve();
  CAF_CHECK(server->serving());
  CAF_CHECK_EQUAL(health(), serving);
  server->set_serving(false);
  CAF_CHECK(!server->serving());
  CAF_CHECK_EQUAL(health(), not_serving);
  server->set_serving(true);
  CAF_CHECK_EQUAL(health(), serving);
}

CAF_TEST(reflection is there) {
  serve();
  // The method streams; that it is known at all is what a unary call can tell.
  const auto status =
      call_raw("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo").first;
  CAF_CHECK(status.error_code() != grpc::StatusCode::UNIMPLEMENTED);
}

CAF_TEST(a method that nobody offers is UNIMPLEMENTED) {
  serve();
  CAF_CHECK(call_raw("/no.such.Service/Method").first.error_code()
            == grpc::StatusCode::UNIMPLEMENTED);
}

CAF_TEST(a second server on the same port fails and names the address) {
  serve();
  const auto address = "127.0.0.1:" + std::to_string(server->port());
  const auto second = make_grpc_server({.address = address}, context);
  CAF_REQUIRE(!second.ok());
  CAF_CHECK(contains(std::string(second.status().message()), address));
}

CAF_TEST(a message far above 4 MiB is taken) {
  serve();
  reapi::BatchUpdateBlobsRequest request;
  request.add_requests()->set_data(std::string(30 << 20, 'x'));
  client_context call;
  reapi::BatchUpdateBlobsResponse answer;
  const auto status =
      stub<reapi::ContentAddressableStorage>()->BatchUpdateBlobs(&call, request, &answer);
  CAF_CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT); // the limit of batches
}

CAF_TEST(frequent pings of an idle client are no offence) {
  serve();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 1000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  const auto pinging = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server->port()),
                                                 grpc::InsecureChannelCredentials(), arguments);
  CAF_REQUIRE(
      pinging->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10)));
  // The default server says GOAWAY too_many_pings after the third; the channel leaves READY then.
  CAF_CHECK(!pinging->WaitForStateChange(GRPC_CHANNEL_READY, std::chrono::system_clock::now()
                                                                 + std::chrono::seconds(5)));
}

CAF_TEST(shutdown lets a call end and cancels what lasts longer) {
  auto sinks = std::make_shared<mailbox<operation_sink>>();
  context->dispatcher = fake<dispatcher_actor>(
      [sinks](const execute&, const operation_sink& sink) { sinks->put(sink); });
  reapi::ExecuteRequest request;
  *request.mutable_action_digest() = digest::of("an action").to_proto();
  const auto client = stub<reapi::Execution>();
  client_context patient;
  auto ends_well = client->Execute(&patient, request);
  const auto sink = sinks->take();
  client_context stuck;
  auto ends_badly = client->Execute(&stuck, request);
  const auto never_answered = sinks->take();
  sink.finish(absl::OkStatus());
  server->shutdown(std::chrono::milliseconds(200));
  CAF_CHECK(ends_well->Finish().ok());
  CAF_CHECK(!ends_badly->Finish().ok());
}

CAF_TEST(a peer whose calls are more than the budget loses its connection) {
  for (const std::string host : {"127.0.0.1", "[::1]"}) {
    context->calls = std::make_shared<call_budget>(1, 0);
    auto made = make_grpc_server({.address = host + ":0"}, context);
    if (!made.ok()) { // no IPv6 here
      CAF_MESSAGE("skipped: " << made.status().ToString());
      continue;
    }
    server = *std::move(made);
    channel = grpc::CreateChannel(host + ":" + std::to_string(server->port()),
                                  grpc::InsecureChannelCredentials());
    // The answer may still overtake the end of the connection.
    for (bool lost = false; !lost;) {
      client_context call;
      reapi::ServerCapabilities answer;
      const auto status =
          reapi::Capabilities::NewStub(channel)->GetCapabilities(&call, {}, &answer);
      lost = status.error_code() == grpc::UNAVAILABLE;
      CAF_REQUIRE(lost || status.ok()); // a deadline would be neither
    }
    server->shutdown(std::chrono::milliseconds(0));
    CAF_CHECK_EQUAL(context->calls->others(), 0u);
    server.reset();
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
