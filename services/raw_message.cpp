#include "services/raw_message.hpp"

#include "google/bytestream/bytestream.pb.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

namespace expbuild {

namespace {

using google::bytestream::ReadResponse;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

} // namespace

bool parse_raw(const grpc::ByteBuffer& from, google::protobuf::MessageLite& to) {
  auto shared = from; // the reader takes a buffer that it may consume; slices are counted
  grpc::ProtoBufferReader reader(&shared);
  return reader.status().ok() && to.ParseFromZeroCopyStream(&reader);
}

grpc::ByteBuffer to_raw(const google::protobuf::MessageLite& from) {
  const grpc::Slice bytes(from.SerializeAsString());
  return {&bytes, 1};
}

grpc::ByteBuffer raw_read_response(const grpc::Slice& data) {
  constexpr auto tag = WireFormatLite::MakeTag(ReadResponse::kDataFieldNumber,
                                               WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  std::uint8_t head[16];
  auto* end = CodedOutputStream::WriteVarint32ToArray(tag, head);
  end = CodedOutputStream::WriteVarint64ToArray(data.size(), end);
  const grpc::Slice slices[] = {grpc::Slice(head, static_cast<std::size_t>(end - head)), data};
  return {slices, 2};
}

} // namespace expbuild
