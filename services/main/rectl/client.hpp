#pragma once
#include "storage/digest.hpp"

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "expbuild/admin/v1/admin.grpc.pb.h"
#include "google/bytestream/bytestream.grpc.pb.h"
#include "google/longrunning/operations.grpc.pb.h"

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace expbuild {

struct client_options {
  std::string server = "127.0.0.1:8980";
  std::string instance;
  std::chrono::seconds timeout{60}; ///< of each call but Execute
  std::string mnemonic = {};        ///< what calls say about their action (RequestMetadata)
  std::string target = {};
  bool own_connection = false; ///< never shares one with another client of this process
};

/// A connection to a server. Calls block the caller; any thread may make them. Errors are the
/// server's own, with what was being done in front.
class client {
public:
  explicit client(client_options options);

  /// UNAVAILABLE, saying what to do, when the server can not be reached within `patience`.
  absl::Status connect(std::chrono::seconds patience);

  const client_options& options() const { return options_; }
  /// A context with the deadline and the RequestMetadata of this client.
  std::unique_ptr<grpc::ClientContext> new_call() const;
  /// As above, without a deadline.
  std::unique_ptr<grpc::ClientContext> new_long_call() const;

  using reapi_service = build::bazel::remote::execution::v2::Execution;
  std::unique_ptr<reapi::Capabilities::Stub> capabilities;
  std::unique_ptr<reapi::ContentAddressableStorage::Stub> cas;
  std::unique_ptr<reapi::ActionCache::Stub> action_cache;
  std::unique_ptr<reapi_service::Stub> execution;
  std::unique_ptr<google::bytestream::ByteStream::Stub> bytes;
  std::unique_ptr<google::longrunning::Operations::Stub> operations;
  std::unique_ptr<admin::v1::Admin::Stub> admin;

private:
  client_options options_;
  std::shared_ptr<grpc::Channel> channel_;
};

/// A gRPC status as our own, `doing` in front.
absl::Status from_grpc(const grpc::Status& status, const std::string& doing);

} // namespace expbuild
