#include "services/main/rectl/conformance/requests.hpp"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

namespace expbuild::conformance {

namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

void pings_every_10_s_without_calls_are_permitted(subject& s) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  const auto pinging = grpc::CreateCustomChannel(s.server().options().server,
                                                 grpc::InsecureChannelCredentials(), arguments);
  expect(pinging->WaitForConnected(system_clock::now() + seconds(5)), "a connection", "none");
  // A server that minds says GOAWAY too_many_pings to the third.
  expect(!pinging->WaitForStateChange(GRPC_CHANNEL_READY, system_clock::now() + seconds(35)),
         "the connection to stay", "it was closed");
}

void request_metadata_is_accepted(subject& s) {
  // The client of these checks always sends it: an answer is what counts.
  expect_ok("GetCapabilities with RequestMetadata",
            ask_capabilities(s, {s.instance(), {}, digest().to_proto()}));
}

void malformed_request_metadata_does_not_matter(subject& s) {
  grpc::ClientContext call;
  call.set_deadline(system_clock::now() + s.server().options().timeout);
  call.AddMetadata("build.bazel.remote.execution.v2.requestmetadata-bin", "\xff\xff\xff");
  reapi::GetCapabilitiesRequest request;
  request.set_instance_name(s.instance());
  reapi::ServerCapabilities response;
  expect_ok("GetCapabilities with malformed RequestMetadata",
            s.server().capabilities->GetCapabilities(&call, request, &response));
}

} // namespace

check_list transport_checks() {
  return {
      {"transport.request_metadata_is_accepted", "Clients send RequestMetadata with every call.",
       request_metadata_is_accepted},
      {"transport.malformed_request_metadata_does_not_matter",
       "RequestMetadata is for people; no call fails by it.",
       malformed_request_metadata_does_not_matter},
      {"transport.pings_every_10_s_without_calls_are_permitted",
       "Clients ping every 10 s without calls; gRPC's default answers with GOAWAY.",
       pings_every_10_s_without_calls_are_permitted},
  };
}

} // namespace expbuild::conformance
