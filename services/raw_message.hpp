#pragma once
#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

/// Messages of ByteStream as gRPC carries them: a blob's bytes are sent and taken as slices,
/// without being copied into and out of protobuf messages.

namespace expbuild {

/// False when it is no such message.
bool parse_raw(const grpc::ByteBuffer& from, google::protobuf::MessageLite& to);

grpc::ByteBuffer to_raw(const google::protobuf::MessageLite& from);

/// A google.bytestream.ReadResponse whose data is this slice.
grpc::ByteBuffer raw_read_response(const grpc::Slice& data);

} // namespace expbuild
