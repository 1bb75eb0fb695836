#pragma once
#include "test/services/fixture.hpp"

#include <thread>

namespace expbuild::test {

namespace bytestream = google::bytestream;

struct byte_stream_fixture : service_fixture {
  std::string last_error;

  /// All the bytes, or the status code.
  std::pair<grpc::StatusCode, std::string> read(const std::string& name, std::int64_t offset = 0,
                                                std::int64_t limit = 0) {
    client_context call;
    bytestream::ReadRequest request;
    request.set_resource_name(name);
    request.set_read_offset(offset);
    request.set_read_limit(limit);
    auto stream = stub<bytestream::ByteStream>()->Read(&call, request);
    bytestream::ReadResponse piece;
    std::string bytes;
    while (stream->Read(&piece))
      bytes += piece.data();
    const auto status = stream->Finish();
    last_error = status.error_message();
    return {status.error_code(), bytes};
  }

  std::string bytes_of(const std::string& name, std::int64_t offset = 0, std::int64_t limit = 0) {
    return read(name, offset, limit).second;
  }

  bytestream::QueryWriteStatusResponse query(const std::string& name) {
    client_context call;
    bytestream::QueryWriteStatusRequest request;
    request.set_resource_name(name);
    bytestream::QueryWriteStatusResponse answer;
    CAF_CHECK(stub<bytestream::ByteStream>()->QueryWriteStatus(&call, request, &answer).ok());
    return answer;
  }
};

/// What the server does on its own time; false when it does not.
inline bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return condition();
}

/// One Write, message by message.
struct upload {
  client_context call;
  bytestream::WriteResponse answer;
  std::unique_ptr<bytestream::ByteStream::Stub> stub;
  std::unique_ptr<grpc::ClientWriter<bytestream::WriteRequest>> stream;
  std::string error;

  /// `tool` is what the client says it is, if anything.
  explicit upload(byte_stream_fixture& to, const std::string& tool = "")
      : stub(to.stub<bytestream::ByteStream>()) {
    reapi::RequestMetadata metadata;
    metadata.mutable_tool_details()->set_tool_name(tool);
    if (!tool.empty())
      call.AddMetadata("build.bazel.remote.execution.v2.requestmetadata-bin",
                       metadata.SerializeAsString());
    stream = stub->Write(&call, &answer);
  }

  upload& send(const std::string& name, std::int64_t offset, const std::string& data,
               bool finish = false) {
    bytestream::WriteRequest message;
    message.set_resource_name(name);
    message.set_write_offset(offset);
    message.set_data(data);
    message.set_finish_write(finish);
    stream->Write(message);
    return *this;
  }

  grpc::StatusCode end() {
    stream->WritesDone();
    return answered();
  }

  /// Without ending the stream: for answers that must not wait for that.
  grpc::StatusCode answered() {
    const auto status = stream->Finish();
    error = status.error_message();
    return status.error_code();
  }
};

inline std::string to_write(const digest& id, const std::string& suffix = "") {
  return "uploads/11111111-2222-3333-4444-555555555555/" + id.to_resource() + suffix;
}

} // namespace expbuild::test
