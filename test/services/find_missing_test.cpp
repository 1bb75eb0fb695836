#define CAF_SUITE services.find_missing
#include "services/find_missing.hpp"
#include "storage/reapi.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

struct fixture {
  service_context context;
  reapi::FindMissingBlobsRequest request;

  fixture() {
    context.instance_name = "main";
    request.set_instance_name("main");
    request.set_digest_function(reapi::DigestFunction::SHA256);
    for (int i = 0; i < 3; ++i)
      *request.add_blob_digests() = blob(i).to_proto();
  }

  static digest blob(int i) { return digest::of(std::string(static_cast<std::size_t>(i), 'x')); }

  static grpc::ByteBuffer sliced(const std::string& bytes, std::size_t at) {
    const grpc::Slice slices[] = {grpc::Slice(bytes.substr(0, at)), grpc::Slice(bytes.substr(at))};
    return {slices, 2};
  }

  auto read(const std::string& bytes, std::size_t at = 0) const {
    return read_find_missing(context, sliced(bytes, at));
  }

  static bool is_all(const absl::StatusOr<std::vector<digest>>& ids) {
    return ids.ok() && *ids == std::vector{blob(0), blob(1), blob(2)};
  }
};

std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (buffer.Dump(&slices).ok())
    for (const auto& x : slices)
      bytes.append(reinterpret_cast<const char*>(x.begin()), x.size());
  return bytes;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(find_missing_tests, fixture)

CAF_TEST(digests are read wherever the bytes are cut into slices) {
  const auto bytes = request.SerializeAsString();
  for (std::size_t at = 0; at <= bytes.size(); ++at)
    CAF_CHECK(is_all(read(bytes, at)));
}

CAF_TEST(fields may come in any order and unknown ones are skipped) {
  reapi::FindMissingBlobsRequest digests;
  *digests.mutable_blob_digests() = request.blob_digests();
  reapi::FindMissingBlobsRequest head = request;
  head.clear_blob_digests();
  const std::string unknown = {'\x7a', '\x03', 'a', 'b', 'c'};
  CAF_CHECK(is_all(read(digests.SerializeAsString() + unknown + head.SerializeAsString())));
  CAF_CHECK(is_all(read(unknown + head.SerializeAsString() + digests.SerializeAsString())));
}

CAF_TEST(a message that is cut short is refused or is one with less in it) {
  const auto bytes = request.SerializeAsString();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto ids = read(bytes.substr(0, size));
    if (ids.ok())
      CAF_CHECK(ids->size() <= 3u); // without the last field at least
    else
      CAF_CHECK(absl::IsInvalidArgument(ids.status()));
  }
}

CAF_TEST(an empty message asks for nothing and none at all is refused) {
  CAF_CHECK(read("").ok());
  CAF_CHECK(absl::IsInvalidArgument(read_find_missing(context, grpc::ByteBuffer()).status()));
}

CAF_TEST(a hash of any length that is no digest is told as such) {
  for (const std::size_t length : {0, 10, 127, 128, 129, 100'000}) {
    request.mutable_blob_digests(1)->set_hash(std::string(length, 'a'));
    const auto ids = read(request.SerializeAsString());
    CAF_CHECK(absl::IsInvalidArgument(ids.status()));
    CAF_CHECK(ids.status().message().find(std::to_string(length) + " characters")
              != std::string_view::npos);
  }
}

CAF_TEST(a response is what protobuf makes of the same digests) {
  reapi::FindMissingBlobsResponse expected;
  const std::vector<digest> missing{
      blob(0), blob(1), digest::of("x", digest_function::sha512),
      *digest::parse(blob(2).hash(), std::int64_t{1} << 40, digest_function::sha256)};
  for (const auto& id : missing)
    *expected.add_missing_blob_digests() = id.to_proto();
  CAF_CHECK_EQUAL(bytes_of(find_missing_response(missing)), expected.SerializeAsString());
  CAF_CHECK(bytes_of(find_missing_response({})).empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
