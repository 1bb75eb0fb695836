#include "services/write_message.hpp"

#include "google/bytestream/bytestream.pb.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>

namespace expbuild {

namespace {

using google::bytestream::WriteRequest;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr auto length_delimited = WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
constexpr auto varint = WireFormatLite::WIRETYPE_VARINT;

bool read_text(CodedInputStream& from, std::string& to) {
  std::uint32_t size = 0;
  return from.ReadVarint32(&size) && from.ReadString(&to, static_cast<int>(size));
}

/// Of a field that comes twice the last one counts, as for every parser.
bool read_pieces(CodedInputStream& from, std::vector<std::string_view>& to, std::size_t& bytes) {
  std::uint32_t size = 0;
  if (!from.ReadVarint32(&size) || size > static_cast<std::uint32_t>(INT32_MAX))
    return false;
  to.clear();
  bytes = size;
  for (int left = static_cast<int>(size); left > 0;) {
    const void* piece = nullptr;
    int n = 0;
    if (!from.GetDirectBufferPointer(&piece, &n))
      return false;
    n = std::min(n, left);
    if (n > 0)
      to.emplace_back(static_cast<const char*>(piece), static_cast<std::size_t>(n));
    if (!from.Skip(n))
      return false;
    left -= n;
  }
  return true;
}

} // namespace

std::optional<write_message> write_message::parse(const grpc::ByteBuffer& from) {
  write_message x;
  x.bytes_ = std::make_unique<grpc::ByteBuffer>(from);
  grpc::ProtoBufferReader reader(x.bytes_.get());
  if (!reader.status().ok())
    return std::nullopt;
  CodedInputStream in(&reader);
  while (const auto tag = in.ReadTag()) {
    std::uint64_t number = 0;
    bool good = false;
    switch (tag) {
    case WireFormatLite::MakeTag(WriteRequest::kResourceNameFieldNumber, length_delimited):
      good = read_text(in, x.resource_name_);
      break;
    case WireFormatLite::MakeTag(WriteRequest::kWriteOffsetFieldNumber, varint):
      good = in.ReadVarint64(&number);
      x.write_offset_ = static_cast<std::int64_t>(number);
      break;
    case WireFormatLite::MakeTag(WriteRequest::kFinishWriteFieldNumber, varint):
      good = in.ReadVarint64(&number);
      x.finish_write_ = number != 0;
      break;
    case WireFormatLite::MakeTag(WriteRequest::kDataFieldNumber, length_delimited):
      good = read_pieces(in, x.data_, x.data_size_);
      break;
    default:
      good = WireFormatLite::SkipField(&in, tag);
    }
    if (!good)
      return std::nullopt;
  }
  if (!in.ConsumedEntireMessage())
    return std::nullopt;
  return x;
}

} // namespace expbuild
