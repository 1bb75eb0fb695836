#include "services/main/rectl/conformance/byte_stream.hpp"

#include <algorithm>

namespace expbuild::conformance {

namespace {

std::unique_ptr<grpc::ClientContext> call_of(const subject& s, const std::string& tool) {
  auto call = std::make_unique<grpc::ClientContext>();
  call->set_deadline(std::chrono::system_clock::now() + s.server().options().timeout);
  reapi::RequestMetadata metadata;
  metadata.mutable_tool_details()->set_tool_name(tool);
  call->AddMetadata("build.bazel.remote.execution.v2.requestmetadata-bin",
                    metadata.SerializeAsString());
  return call;
}

} // namespace

std::string instance_prefix(const subject& s) {
  return s.instance().empty() ? "" : s.instance() + "/";
}

std::string read_name(const subject& s, const digest& id) {
  return instance_prefix(s) + id.to_resource();
}

std::string upload_name(subject& s, const digest& id) {
  auto uuid = s.fresh();
  std::replace(uuid.begin(), uuid.end(), ' ', '-');
  return instance_prefix(s) + "uploads/" + uuid + "/" + id.to_resource();
}

read_bytes read(subject& s, const std::string& name, std::int64_t offset, std::int64_t limit) {
  google::bytestream::ReadRequest request;
  request.set_resource_name(name);
  request.set_read_offset(offset);
  request.set_read_limit(limit);
  const auto call = s.server().new_call();
  const auto stream = s.server().bytes->Read(call.get(), request);
  read_bytes came;
  google::bytestream::ReadResponse message;
  while (stream->Read(&message)) {
    came.largest_message = std::max(came.largest_message, message.ByteSizeLong());
    came.bytes += message.data();
  }
  came.status = stream->Finish();
  return came;
}

upload::upload(subject& s, const std::string& tool)
    : call_(tool.empty() ? s.server().new_call() : call_of(s, tool)),
      stream_(s.server().bytes->Write(call_.get(), &response_)) {}

upload::~upload() {
  if (!finished_)
    abandon();
}

bool upload::send(const std::string& name, std::int64_t offset, const std::string& data,
                  bool finish) {
  WriteRequest message;
  message.set_resource_name(name);
  message.set_write_offset(offset);
  message.set_data(data);
  message.set_finish_write(finish);
  return stream_->Write(message);
}

answer<WriteResponse> upload::finish(bool half_close) {
  if (half_close)
    stream_->WritesDone();
  finished_ = true;
  auto status = stream_->Finish();
  return {std::move(status), response_};
}

void upload::abandon() {
  call_->TryCancel();
  finished_ = true;
  static_cast<void>(stream_->Finish());
}

answer<WriteResponse> upload_whole(subject& s, const digest& id, const std::string& bytes) {
  constexpr std::size_t piece = 1 << 20;
  upload to(s);
  auto name = upload_name(s, id);
  for (std::size_t offset = 0;; offset += piece) {
    const bool last = offset + piece >= bytes.size();
    if (!to.send(name, static_cast<std::int64_t>(offset), bytes.substr(offset, piece), last)
        || last)
      break;
    name.clear(); // only the first message needs it
  }
  return to.finish();
}

answer<google::bytestream::QueryWriteStatusResponse> query(subject& s, const std::string& name) {
  google::bytestream::QueryWriteStatusRequest request;
  request.set_resource_name(name);
  answer<google::bytestream::QueryWriteStatusResponse> came;
  came.status =
      s.server().bytes->QueryWriteStatus(s.server().new_call().get(), request, &came.message);
  return came;
}

} // namespace expbuild::conformance
