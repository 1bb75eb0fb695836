#pragma once
#include "services/main/rectl/conformance/subject.hpp"

namespace expbuild::conformance {

using google::bytestream::WriteRequest;
using google::bytestream::WriteResponse;

/// Resource names of the server's instance; `upload_name` with a UUID of its own each time.
std::string read_name(const subject& s, const digest& id);
std::string upload_name(subject& s, const digest& id);
/// "INSTANCE/" or nothing.
std::string instance_prefix(const subject& s);

struct read_bytes {
  grpc::Status status;
  std::string bytes;
  std::size_t largest_message = 0;
};

read_bytes read(subject& s, const std::string& name, std::int64_t offset = 0,
                std::int64_t limit = 0);

/// One Write, message by message.
class upload {
public:
  /// `tool` is what the RequestMetadata names as the client; none: these checks.
  explicit upload(subject& s, const std::string& tool = "");
  ~upload(); ///< cancels what is not finished

  /// False when the server has answered already.
  bool send(const std::string& name, std::int64_t offset, const std::string& data,
            bool finish = false);
  /// Waits for the answer; with `half_close` the stream is said to be at its end first.
  answer<WriteResponse> finish(bool half_close = true);
  /// The client vanishes: the call is cancelled.
  void abandon();

private:
  std::unique_ptr<grpc::ClientContext> call_;
  WriteResponse response_;
  std::unique_ptr<grpc::ClientWriter<WriteRequest>> stream_;
  bool finished_ = false;
};

/// Sends these bytes as that digest, in pieces of a MiB.
answer<WriteResponse> upload_whole(subject& s, const digest& id, const std::string& bytes);

answer<google::bytestream::QueryWriteStatusResponse> query(subject& s, const std::string& name);

} // namespace expbuild::conformance
