#pragma once
#include <google/protobuf/arena.h>
#include <grpcpp/support/message_allocator.h>

namespace expbuild {

/// Request and response of one call, in one piece of memory: for messages of very many parts, which
/// would each be allocated and freed. Give it to the service's SetMessageAllocatorFor_METHOD; it
/// must outlive the server.
template <class Request, class Response>
class arena_messages final : public grpc::MessageAllocator<Request, Response> {
public:
  grpc::MessageHolder<Request, Response>* AllocateMessages() override { return new holder; }

private:
  class holder final : public grpc::MessageHolder<Request, Response> {
  public:
    holder() {
      this->set_request(google::protobuf::Arena::CreateMessage<Request>(&arena_));
      this->set_response(google::protobuf::Arena::CreateMessage<Response>(&arena_));
    }
    void Release() override { delete this; }

  private:
    google::protobuf::Arena arena_;
  };
};

} // namespace expbuild
