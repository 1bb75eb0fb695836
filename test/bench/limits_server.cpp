#include "test/bench/limits_server.hpp"

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "google/bytestream/bytestream.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <string>

namespace expbuild::bench {

namespace {

namespace reapi = build::bazel::remote::execution::v2;
namespace bytestream = google::bytestream;
using google::longrunning::Operation;

class no_op_cache final : public reapi::ActionCache::CallbackService {
  grpc::ServerUnaryReactor* GetActionResult(grpc::CallbackServerContext* call,
                                            const reapi::GetActionResultRequest*,
                                            reapi::ActionResult*) override {
    auto* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

class one_message final : public grpc::ServerWriteReactor<Operation> {
public:
  one_message() {
    operation_.set_name("limit");
    operation_.set_done(true);
    StartWriteAndFinish(&operation_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

private:
  Operation operation_;
};

class no_op_execution final : public reapi::Execution::CallbackService {
  grpc::ServerWriteReactor<Operation>* Execute(grpc::CallbackServerContext*,
                                               const reapi::ExecuteRequest*) override {
    return new one_message;
  }
};

constexpr std::size_t piece = 1 << 20;

/// The bytes of a ReadResponse of one piece, ready to be sent: header and data as slices.
grpc::ByteBuffer ready_piece() {
  static const std::string data(piece, 'x');
  static const std::string header = "\x52\x80\x80\x40"; // field 10, length 1 MiB
  const grpc::Slice slices[] = {grpc::Slice(header),
                                grpc::Slice(data.data(), data.size(), grpc::Slice::STATIC_SLICE)};
  return {slices, 2};
}

class slices_from_memory final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
public:
  explicit slices_from_memory(std::size_t pieces) : left_(pieces), message_(ready_piece()) {
    next();
  }
  void OnWriteDone(bool ok) override {
    if (ok)
      next();
    else
      Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

private:
  void next() {
    if (left_-- == 0)
      return Finish(grpc::Status::OK);
    message_ = ready_piece();
    StartWrite(&message_);
  }
  std::size_t left_;
  grpc::ByteBuffer message_;
};

class null_sink final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
public:
  explicit null_sink(grpc::ByteBuffer* response) : response_(response) { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (ok)
      return StartRead(&message_);
    const grpc::Slice empty;
    *response_ = grpc::ByteBuffer(&empty, 1);
    Finish(grpc::Status::OK);
  }
  void OnDone() override { delete this; }

private:
  grpc::ByteBuffer* response_;
  grpc::ByteBuffer message_;
};

using raw_byte_stream = bytestream::ByteStream::WithRawCallbackMethod_Read<
    bytestream::ByteStream::WithRawCallbackMethod_Write<bytestream::ByteStream::Service>>;

class no_op_bytes final : public raw_byte_stream {
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Read(grpc::CallbackServerContext*,
                                                   const grpc::ByteBuffer* request) override {
    bytestream::ReadRequest parsed;
    auto copy = *request;
    grpc::SerializationTraits<bytestream::ReadRequest>::Deserialize(&copy, &parsed);
    return new slices_from_memory(static_cast<std::size_t>(parsed.read_limit()) / piece);
  }
  grpc::ServerReadReactor<grpc::ByteBuffer>* Write(grpc::CallbackServerContext*,
                                                   grpc::ByteBuffer* response) override {
    return new null_sink(response);
  }
};

} // namespace

int run_limits_server(int port) {
  no_op_cache cache;
  no_op_execution execution;
  no_op_bytes bytes;
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(-1);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials());
  for (grpc::Service* each : std::initializer_list<grpc::Service*>{&cache, &execution, &bytes})
    builder.RegisterService(each);
  const auto server = builder.BuildAndStart();
  if (!server)
    return 1;
  server->Wait();
  return 0;
}

} // namespace expbuild::bench
