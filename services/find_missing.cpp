#include "services/find_missing.hpp"

#include "services/request_checks.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <array>

namespace expbuild {

namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

using request_fields = reapi::FindMissingBlobsRequest;
using response_fields = reapi::FindMissingBlobsResponse;
using digest_fields = reapi::Digest;

constexpr std::size_t shortest_digest = 2 + 2 + 32; ///< on the wire: MD5's

constexpr auto with_length = WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
constexpr auto as_varint = WireFormatLite::WIRETYPE_VARINT;

constexpr std::uint32_t tag_of(int field, WireFormatLite::WireType type) {
  return WireFormatLite::MakeTag(field, type);
}

/// What a request says beside its digests. They may stand before it.
struct request_head {
  std::string instance_name;
  reapi::DigestFunction::Value function = reapi::DigestFunction::UNKNOWN;
  std::size_t digests = 0;
};

bool read_head(CodedInputStream& in, request_head& head) {
  std::uint32_t length = 0;
  std::uint64_t number = 0;
  while (const auto tag = in.ReadTag())
    switch (tag) {
    case tag_of(request_fields::kInstanceNameFieldNumber, with_length):
      if (!in.ReadVarint32(&length)
          || !in.ReadString(&head.instance_name, static_cast<int>(length)))
        return false;
      break;
    case tag_of(request_fields::kDigestFunctionFieldNumber, as_varint):
      if (!in.ReadVarint64(&number))
        return false;
      head.function = static_cast<reapi::DigestFunction::Value>(number);
      break;
    case tag_of(request_fields::kBlobDigestsFieldNumber, with_length):
      if (!in.ReadVarint32(&length) || !in.Skip(static_cast<int>(length)))
        return false;
      ++head.digests;
      break;
    default:
      if (!WireFormatLite::SkipField(&in, tag))
        return false;
    }
  return in.ConsumedEntireMessage();
}

/// Reads one Digest after the other into the same place.
class digest_parser {
public:
  bool read(CodedInputStream& in) {
    hash_length_ = 0;
    size_ = 0;
    std::uint32_t length = 0;
    if (!in.ReadVarint32(&length))
      return false;
    const auto outside = in.PushLimit(static_cast<int>(length));
    if (!read_fields(in) || in.BytesUntilLimit() != 0)
      return false;
    in.PopLimit(outside);
    return true;
  }

  std::string_view hash() const {
    return hash_length_ <= short_hash_.size() ? std::string_view(short_hash_.data(), hash_length_)
                                              : std::string_view(long_hash_);
  }
  std::int64_t size_bytes() const { return static_cast<std::int64_t>(size_); }

private:
  bool read_fields(CodedInputStream& in) {
    while (const auto tag = in.ReadTag())
      switch (tag) {
      case tag_of(digest_fields::kHashFieldNumber, with_length):
        if (!read_hash(in))
          return false;
        break;
      case tag_of(digest_fields::kSizeBytesFieldNumber, as_varint):
        if (!in.ReadVarint64(&size_))
          return false;
        break;
      default:
        if (!WireFormatLite::SkipField(&in, tag))
          return false;
      }
    return true;
  }

  bool read_hash(CodedInputStream& in) {
    if (!in.ReadVarint32(&hash_length_))
      return false;
    return hash_length_ <= short_hash_.size()
               ? in.ReadRaw(short_hash_.data(), static_cast<int>(hash_length_))
               : in.ReadString(&long_hash_,
                               static_cast<int>(hash_length_)); // no function's: to be told so
  }

  std::array<char, 128> short_hash_;
  std::string long_hash_;
  std::uint32_t hash_length_ = 0;
  std::uint64_t size_ = 0;
};

absl::Status read_digests(CodedInputStream& in, const digest_reader& digests,
                          std::vector<digest>& into) {
  const auto no_message = absl::InvalidArgumentError("blob_digests: one is no Digest message");
  digest_parser parser;
  while (const auto tag = in.ReadTag()) {
    if (tag != tag_of(request_fields::kBlobDigestsFieldNumber, with_length)) {
      if (!WireFormatLite::SkipField(&in, tag))
        return no_message;
      continue;
    }
    if (!parser.read(in))
      return no_message;
    const auto id = digests.read(parser.hash(), parser.size_bytes(), "blob_digests");
    if (!id.ok())
      return id.status();
    into.push_back(*id);
  }
  return absl::OkStatus();
}

std::size_t body_size(const digest& id) {
  const auto hex = 2 * hash_length(id.function());
  const auto size = static_cast<std::uint64_t>(id.size_bytes());
  return 1 + CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(hex)) + hex
         + (size == 0 ? 0 : 1 + CodedOutputStream::VarintSize64(size));
}

/// Slices are counted: this is no copy of the bytes.
class request_bytes {
public:
  explicit request_bytes(const grpc::ByteBuffer& from)
      : shared_(from), reader_(&shared_), in_(&reader_) {}
  CodedInputStream& in() { return in_; }

private:
  grpc::ByteBuffer shared_;
  grpc::ProtoBufferReader reader_;
  CodedInputStream in_;
};

} // namespace

absl::StatusOr<std::vector<digest>> read_find_missing(const service_context& context,
                                                      const grpc::ByteBuffer& request) {
  request_head head;
  if (!request.Valid()) // gRPC has none for what ended in the middle
    return absl::InvalidArgumentError("the FindMissingBlobsRequest did not arrive whole");
  if (!read_head(request_bytes(request).in(), head))
    return absl::InvalidArgumentError("the message is no FindMissingBlobsRequest");
  if (auto status = check_instance(context, head.instance_name); !status.ok())
    return status;
  const auto digests = digest_reader::make(context, head.function);
  if (!digests.ok())
    return digests.status();
  std::vector<digest> ids;
  ids.reserve(std::min(head.digests, request.Length() / shortest_digest));
  if (head.digests == 0)
    return ids;
  if (auto status = read_digests(request_bytes(request).in(), *digests, ids); !status.ok())
    return status;
  return ids;
}

grpc::ByteBuffer find_missing_response(std::span<const digest> missing) {
  std::size_t total = 0;
  for (const auto& id : missing) {
    const auto body = body_size(id);
    total += 1 + CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(body)) + body;
  }
  grpc::Slice bytes(total);
  auto* to = const_cast<std::uint8_t*>(bytes.begin()); // ours alone until it is sent
  for (const auto& id : missing) {
    *to++ = tag_of(response_fields::kMissingBlobDigestsFieldNumber, with_length);
    to = CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(body_size(id)), to);
    *to++ = tag_of(digest_fields::kHashFieldNumber, with_length);
    to = CodedOutputStream::WriteVarint32ToArray(
        static_cast<std::uint32_t>(2 * hash_length(id.function())), to);
    to = reinterpret_cast<std::uint8_t*>(id.write_hash(reinterpret_cast<char*>(to)));
    if (id.size_bytes() == 0)
      continue;
    *to++ = tag_of(digest_fields::kSizeBytesFieldNumber, as_varint);
    to = CodedOutputStream::WriteVarint64ToArray(static_cast<std::uint64_t>(id.size_bytes()), to);
  }
  return {&bytes, 1};
}

} // namespace expbuild
