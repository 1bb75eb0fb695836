#include "services/main/rectl/client.hpp"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

namespace expbuild {

namespace {

/// Blobs come in messages of a few MiB.
grpc::ChannelArguments channel_arguments(const client_options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, options.own_connection ? 1 : 0);
  arguments.SetMaxReceiveMessageSize(-1);
  return arguments;
}

} // namespace

client::client(client_options options)
    : options_(std::move(options)),
      channel_(grpc::CreateCustomChannel(options_.server, grpc::InsecureChannelCredentials(),
                                         channel_arguments(options_))) {
  capabilities = reapi::Capabilities::NewStub(channel_);
  cas = reapi::ContentAddressableStorage::NewStub(channel_);
  action_cache = reapi::ActionCache::NewStub(channel_);
  execution = reapi_service::NewStub(channel_);
  bytes = google::bytestream::ByteStream::NewStub(channel_);
  operations = google::longrunning::Operations::NewStub(channel_);
  admin = admin::v1::Admin::NewStub(channel_);
}

absl::Status client::connect(std::chrono::seconds patience) {
  if (channel_->WaitForConnected(std::chrono::system_clock::now() + patience))
    return absl::OkStatus();
  return absl::UnavailableError("cannot reach " + options_.server
                                + ": is re-server running there? ./dev run starts one; --server or "
                                  "EXPBUILD_SERVER names another");
}

std::unique_ptr<grpc::ClientContext> client::new_long_call() const {
  auto context = std::make_unique<grpc::ClientContext>();
  reapi::RequestMetadata metadata;
  metadata.mutable_tool_details()->set_tool_name("rectl");
  metadata.set_action_mnemonic(options_.mnemonic);
  metadata.set_target_id(options_.target);
  context->AddMetadata("build.bazel.remote.execution.v2.requestmetadata-bin",
                       metadata.SerializeAsString());
  return context;
}

std::unique_ptr<grpc::ClientContext> client::new_call() const {
  auto context = new_long_call();
  context->set_deadline(std::chrono::system_clock::now() + options_.timeout);
  return context;
}

absl::Status from_grpc(const grpc::Status& status, const std::string& doing) {
  if (status.ok())
    return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      doing + ": " + status.error_message());
}

} // namespace expbuild
