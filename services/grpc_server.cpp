#include "services/grpc_server.hpp"

#include "services/services.hpp"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>

#include <atomic>
#include <vector>

namespace expbuild {

namespace {

using service_list = std::vector<std::unique_ptr<grpc::Service>>;

service_list make_services(const context_ptr& context) {
  service_list all;
  all.push_back(make_capabilities_service(context));
  all.push_back(make_cas_service(context));
  all.push_back(make_byte_stream_service(context));
  all.push_back(make_action_cache_service(context));
  all.push_back(make_execution_service(context));
  all.push_back(make_operations_service(context));
  all.push_back(make_admin_service(context));
  return all;
}

int in_ms(std::chrono::milliseconds x) {
  return static_cast<int>(x.count());
}

void set_transport(grpc::ServerBuilder& builder, const grpc_server_options& options) {
  builder.SetMaxReceiveMessageSize(options.max_inbound_bytes);
  builder.SetMaxSendMessageSize(-1);
  // A second daemon on the same port must fail, not take half of the connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             in_ms(options.handshake_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, in_ms(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, in_ms(options.keepalive_timeout));
  // Clients ping every 10 s, also while no call is under way; the default closes on them.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  // Of the services only reflection is synchronous: it needs few threads.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
}

class server final : public grpc_server {
public:
  explicit server(service_list services) : services_(std::move(services)) {}
  ~server() override { server::shutdown(std::chrono::milliseconds(0)); }

  bool start(const grpc_server_options& options) {
    grpc::ServerBuilder builder;
    set_transport(builder, options);
    builder.AddListeningPort(options.address, grpc::InsecureServerCredentials(), &port_);
    for (const auto& service : services_)
      builder.RegisterService(service.get());
    running_ = builder.BuildAndStart();
    if (!running_ || port_ == 0)
      return false;
    server::set_serving(true);
    return true;
  }

  int port() const noexcept override { return port_; }

  void set_serving(bool serving) override {
    serving_ = serving;
    if (auto* health = running_->GetHealthCheckService())
      health->SetServingStatus(serving);
  }

  bool serving() const noexcept override { return serving_; }

  void shutdown(std::chrono::milliseconds patience) override {
    if (!running_ || stopped_.exchange(true))
      return;
    serving_ = false;
    running_->Shutdown(std::chrono::system_clock::now() + patience);
    running_->Wait();
  }

private:
  service_list services_; // outlive the server that calls them
  std::unique_ptr<grpc::Server> running_;
  int port_ = 0;
  std::atomic<bool> serving_{false};
  std::atomic<bool> stopped_{false};
};

/// Both apply to servers built from now on.
void enable_extras() {
  static const bool once = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  static_cast<void>(once);
}

} // namespace

absl::StatusOr<std::unique_ptr<grpc_server>> make_grpc_server(const grpc_server_options& options,
                                                              const context_ptr& context) {
  enable_extras();
  auto made = std::make_unique<server>(make_services(context));
  if (!made->start(options))
    return absl::FailedPreconditionError(
        "cannot listen on " + options.address
        + ": is another process using the port, or is the address not one of this host?");
  return made;
}

} // namespace expbuild
