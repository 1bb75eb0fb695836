#include "services/grpc_server.hpp"

#include "services/connection_acceptor.hpp"
#include "services/services.hpp"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace expbuild {

namespace {

/// For calls that were cancelled, until their connections are closed under them.
constexpr auto grace = std::chrono::seconds(1);

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
  // A message that gRPC unpacks is counted by nobody until it is whole: a MiB of zeros becomes a
  // GiB. What is worth packing has REAPI's own compressors.
  for (const auto packed : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE})
    builder.SetCompressionAlgorithmSupportStatus(packed, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, in_ms(options.idle_timeout));
  builder.SetResourceQuota(grpc::ResourceQuota("expbuild").Resize(options.max_transport_bytes));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             in_ms(options.handshake_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, in_ms(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, in_ms(options.keepalive_timeout));
  // Clients ping every 10 s, also while no call is under way; the default closes on them.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, options.max_hasty_pings);
  // Of the services only reflection is synchronous: it needs few threads.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
}

class server final : public grpc_server {
public:
  explicit server(service_list services) : services_(std::move(services)) {}
  ~server() override { server::shutdown(std::chrono::milliseconds(0)); }

  absl::Status start(const grpc_server_options& options,
                     const std::shared_ptr<call_budget>& calls) {
    auto listening =
        make_connection_acceptor({.address = options.address,
                                  .max_connections = options.max_connections,
                                  .max_connections_per_peer = options.max_connections_per_peer});
    if (!listening.ok())
      return listening.status();
    connections_ = *std::move(listening);
    grpc::ServerBuilder builder;
    set_transport(builder, options);
    auto door = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        grpc::InsecureServerCredentials());
    for (const auto& service : services_)
      builder.RegisterService(service.get());
    running_ = builder.BuildAndStart();
    if (!running_)
      return absl::InternalError("gRPC can not start a server (its own log may say why)");
    connections_->start(
        [door = std::shared_ptr(std::move(door))](unique_fd connection, int listener) {
          grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters x;
          x.listener_fd = listener;
          x.fd = connection.release();
          door->HandleNewConnection(&x);
        });
    calls_ = calls;
    calls_->when_flooded([this](const std::string& peer) { connections_->close_peer(peer); });
    server::set_serving(true);
    return absl::OkStatus();
  }

  int port() const noexcept override { return connections_->port(); }

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
    calls_->when_flooded(nullptr);
    connections_->stop();
    // Calls that were begun and reset in a hurry never end by themselves in gRPC 1.51, not even
    // when they are cancelled: only with their connection.
    std::promise<void> closed;
    std::thread closer([&, done = closed.get_future()] {
      if (done.wait_for(patience + grace) == std::future_status::timeout)
        connections_->close_all();
    });
    running_->Shutdown(std::chrono::system_clock::now() + patience);
    running_->Wait();
    closed.set_value();
    closer.join();
  }

private:
  service_list services_; // outlive the server that calls them
  std::unique_ptr<grpc::Server> running_;
  std::unique_ptr<connection_acceptor> connections_;
  std::shared_ptr<call_budget> calls_;
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
  if (auto status = made->start(options, context->calls); !status.ok())
    return status;
  return made;
}

} // namespace expbuild
