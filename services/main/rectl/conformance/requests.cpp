#include "services/main/rectl/conformance/requests.hpp"

namespace expbuild::conformance {

namespace {

std::string name_in(const request_terms& x, const std::string& before) {
  return (x.instance.empty() ? "" : x.instance + "/") + before + "blobs/" + x.id.hash() + "/"
         + std::to_string(x.id.size_bytes());
}

template <class Request>
Request in_terms(const request_terms& x) {
  Request request;
  request.set_instance_name(x.instance);
  request.set_digest_function(x.function);
  return request;
}

template <class Message>
grpc::Status drain(std::unique_ptr<grpc::ClientReader<Message>> stream) {
  Message message;
  while (stream->Read(&message)) {
  }
  return stream->Finish();
}

/// Of a call, or of the single blob in its answer.
template <class Response>
grpc::Status single(const grpc::Status& status, const Response& response) {
  if (!status.ok() || response.responses().empty())
    return status;
  return as_call(response.responses(0).status());
}

} // namespace

grpc::Status ask_capabilities(subject& s, const request_terms& x) {
  reapi::GetCapabilitiesRequest request;
  request.set_instance_name(x.instance);
  reapi::ServerCapabilities response;
  return s.server().capabilities->GetCapabilities(s.server().new_call().get(), request, &response);
}

grpc::Status ask_find_missing(subject& s, const request_terms& x) {
  auto request = in_terms<reapi::FindMissingBlobsRequest>(x);
  *request.add_blob_digests() = x.id;
  reapi::FindMissingBlobsResponse response;
  return s.server().cas->FindMissingBlobs(s.server().new_call().get(), request, &response);
}

grpc::Status ask_batch_update(subject& s, const request_terms& x) {
  auto request = in_terms<reapi::BatchUpdateBlobsRequest>(x);
  auto& blob = *request.add_requests();
  *blob.mutable_digest() = x.id;
  blob.set_data(
      std::string(static_cast<std::size_t>(std::max<std::int64_t>(0, x.id.size_bytes())), 'x'));
  reapi::BatchUpdateBlobsResponse response;
  const auto status =
      s.server().cas->BatchUpdateBlobs(s.server().new_call().get(), request, &response);
  return single(status, response);
}

grpc::Status ask_batch_read(subject& s, const request_terms& x) {
  auto request = in_terms<reapi::BatchReadBlobsRequest>(x);
  *request.add_digests() = x.id;
  reapi::BatchReadBlobsResponse response;
  const auto status =
      s.server().cas->BatchReadBlobs(s.server().new_call().get(), request, &response);
  return single(status, response);
}

grpc::Status ask_get_tree(subject& s, const request_terms& x) {
  auto request = in_terms<reapi::GetTreeRequest>(x);
  *request.mutable_root_digest() = x.id;
  const auto call = s.server().new_call();
  return drain(s.server().cas->GetTree(call.get(), request));
}

grpc::Status ask_read(subject& s, const request_terms& x) {
  google::bytestream::ReadRequest request;
  request.set_resource_name(name_in(x, ""));
  const auto call = s.server().new_call();
  return drain(s.server().bytes->Read(call.get(), request));
}

grpc::Status ask_write(subject& s, const request_terms& x) {
  const auto call = s.server().new_call();
  google::bytestream::WriteResponse response;
  const auto stream = s.server().bytes->Write(call.get(), &response);
  google::bytestream::WriteRequest request;
  request.set_resource_name(name_in(x, "uploads/00000000-0000-4000-8000-000000000000/"));
  request.set_data("x");
  stream->Write(request);
  stream->WritesDone();
  return stream->Finish();
}

grpc::Status ask_query(subject& s, const request_terms& x) {
  google::bytestream::QueryWriteStatusRequest request;
  request.set_resource_name(name_in(x, "uploads/00000000-0000-4000-8000-000000000000/"));
  google::bytestream::QueryWriteStatusResponse response;
  return s.server().bytes->QueryWriteStatus(s.server().new_call().get(), request, &response);
}

grpc::Status ask_get_result(subject& s, const request_terms& x) {
  auto request = in_terms<reapi::GetActionResultRequest>(x);
  *request.mutable_action_digest() = x.id;
  reapi::ActionResult response;
  return s.server().action_cache->GetActionResult(s.server().new_call().get(), request, &response);
}

grpc::Status ask_update_result(subject& s, const request_terms& x) {
  auto request = in_terms<reapi::UpdateActionResultRequest>(x);
  *request.mutable_action_digest() = x.id;
  request.mutable_action_result();
  reapi::ActionResult response;
  return s.server().action_cache->UpdateActionResult(s.server().new_call().get(), request,
                                                     &response);
}

grpc::Status ask_execute(subject& s, const request_terms& x) {
  auto request = in_terms<reapi::ExecuteRequest>(x);
  *request.mutable_action_digest() = x.id;
  const auto call = s.server().new_call();
  return drain(s.server().execution->Execute(call.get(), request));
}

} // namespace expbuild::conformance
