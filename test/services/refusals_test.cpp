#define CAF_SUITE services.refusals
#include "test/services/dispatcher_fixture.hpp"

/// Every refusal names the field, shows the offending value (cut to a sane length) and says what
/// would be right.

using namespace expbuild;
using namespace expbuild::test;

namespace {

namespace bytestream = google::bytestream;

struct refusal {
  std::string what;
  std::function<grpc::Status()> ask;
  std::vector<std::string> says;
};

struct fixture : dispatcher_fixture {
  const std::string long_text = std::string(5000, 'x');
  const digest known = digest::of("x");

  grpc::Status find(const std::function<void(reapi::FindMissingBlobsRequest&)>& change) {
    client_context call;
    reapi::FindMissingBlobsRequest request;
    *request.add_blob_digests() = known.to_proto();
    change(request);
    reapi::FindMissingBlobsResponse answer;
    return stub<reapi::ContentAddressableStorage>()->FindMissingBlobs(&call, request, &answer);
  }

  grpc::Status execute_it(const std::function<void(reapi::ExecuteRequest&)>& change) {
    execution client(*this, change);
    return client.end();
  }

  grpc::Status read(const std::string& name, std::int64_t offset = 0, std::int64_t limit = 0) {
    client_context call;
    bytestream::ReadRequest request;
    request.set_resource_name(name);
    request.set_read_offset(offset);
    request.set_read_limit(limit);
    auto stream = stub<bytestream::ByteStream>()->Read(&call, request);
    bytestream::ReadResponse piece;
    while (stream->Read(&piece)) {
    }
    return stream->Finish();
  }

  grpc::Status query(const std::string& name) {
    client_context call;
    bytestream::QueryWriteStatusRequest request;
    request.set_resource_name(name);
    bytestream::QueryWriteStatusResponse answer;
    return stub<bytestream::ByteStream>()->QueryWriteStatus(&call, request, &answer);
  }

  grpc::Status result_of(const std::function<void(reapi::GetActionResultRequest&)>& change) {
    client_context call;
    reapi::GetActionResultRequest request;
    *request.mutable_action_digest() = known.to_proto();
    change(request);
    reapi::ActionResult answer;
    return stub<reapi::ActionCache>()->GetActionResult(&call, request, &answer);
  }

  grpc::Status first_of_batch(const std::function<void(reapi::BatchUpdateBlobsRequest&)>& change) {
    client_context call;
    reapi::BatchUpdateBlobsRequest request;
    *request.add_requests()->mutable_digest() = known.to_proto();
    request.mutable_requests(0)->set_data("x");
    change(request);
    reapi::BatchUpdateBlobsResponse answer;
    const auto status =
        stub<reapi::ContentAddressableStorage>()->BatchUpdateBlobs(&call, request, &answer);
    if (!status.ok() || answer.responses_size() == 0)
      return status;
    return {static_cast<grpc::StatusCode>(answer.responses(0).status().code()),
            answer.responses(0).status().message()};
  }

  std::vector<refusal> table() {
    return {
        {"unknown instance",
         [&] { return find([](auto& x) { x.set_instance_name("other"); }); },
         {"instance_name", "'other'", "instance 'main'"}},
        {"instance of an execute",
         [&] { return execute_it([](auto& x) { x.set_instance_name("other"); }); },
         {"instance_name", "'other'", "instance 'main'"}},
        {"instance of a result",
         [&] { return result_of([](auto& x) { x.set_instance_name("other"); }); },
         {"instance_name", "'other'", "instance 'main'"}},
        {"endless instance",
         [&] { return find([&](auto& x) { x.set_instance_name(long_text); }); },
         {"instance_name", "xxx"}},
        {"unknown function",
         [&] {
           return find([](auto& x) { x.set_digest_function(reapi::DigestFunction::BLAKE3); });
         },
         {"digest_function", "BLAKE3", "SHA256"}},
        {"number that is no function",
         [&] {
           return find([](auto& x) {
             x.set_digest_function(static_cast<reapi::DigestFunction::Value>(99));
           });
         },
         {"digest_function", "99", "SHA256"}},
        {"short hash",
         [&] { return find([](auto& x) { x.mutable_blob_digests(0)->set_hash("abc"); }); },
         {"blob_digests", "'abc'", "3 characters", "SHA256: 64"}},
        {"empty hash",
         [&] { return find([](auto& x) { x.mutable_blob_digests(0)->clear_hash(); }); },
         {"blob_digests", "''", "SHA256: 64"}},
        {"endless hash",
         [&] { return find([&](auto& x) { x.mutable_blob_digests(0)->set_hash(long_text); }); },
         {"blob_digests", "5000 characters", "SHA256: 64"}},
        {"upper case hash",
         [&] {
           return find([](auto& x) { x.mutable_blob_digests(0)->set_hash(std::string(64, 'A')); });
         },
         {"blob_digests", "AAAA", "lower-case"}},
        {"negative size",
         [&] { return find([](auto& x) { x.mutable_blob_digests(0)->set_size_bytes(-5); }); },
         {"blob_digests", "-5"}},
        {"endless size",
         [&] {
           return find([](auto& x) { x.mutable_blob_digests(0)->set_size_bytes(1ll << 62); });
         },
         {"blob_digests", "4611686018427387904", "17592186044415"}},
        {"endless size in a name",
         [&] { return read("blobs/" + known.hash() + "/9223372036854775807"); },
         {"9223372036854775807"}},
        {"action of an execute",
         [&] { return execute_it([](auto& x) { x.mutable_action_digest()->set_hash("abc"); }); },
         {"action_digest", "'abc'", "SHA256: 64"}},
        {"action of a result",
         [&] { return result_of([](auto& x) { x.mutable_action_digest()->set_hash("abc"); }); },
         {"action_digest", "'abc'", "SHA256: 64"}},
        {"blob of a batch",
         [&] {
           return first_of_batch(
               [](auto& x) { x.mutable_requests(0)->mutable_digest()->set_hash("abc"); });
         },
         {"requests[0].digest", "'abc'", "SHA256: 64"}},
        {"compressor of a batch",
         [&] {
           return first_of_batch(
               [](auto& x) { x.mutable_requests(0)->set_compressor(reapi::Compressor::BROTLI); });
         },
         {"requests[0].compressor", "BROTLI", "IDENTITY"}},
        {"size of a batch",
         [&] {
           return first_of_batch(
               [](auto& x) { x.mutable_requests(0)->set_data(std::string(5 << 20, 'x')); });
         },
         {"max_batch_total_size_bytes", "ByteStream"}},
        {"no name at all", [&] { return read(""); }, {"resource_name ''", "blobs/"}},
        {"nonsense",
         [&] { return read("some/nonsense"); },
         {"resource_name 'some/nonsense'", "[INSTANCE/]blobs/[FUNCTION/]HASH/SIZE"}},
        {"endless nonsense", [&] { return read(long_text); }, {"resource_name", "blobs/"}},
        {"name without a size",
         [&] { return read("blobs/" + known.hash()); },
         {"resource_name", known.hash(), "no size"}},
        {"name with a short hash",
         [&] { return read("blobs/abc/3"); },
         {"resource_name 'blobs/abc/3'", "'abc'", "SHA256: 64"}},
        {"name of an unknown instance",
         [&] { return query("other/uploads/u/blobs/abc/3"); },
         {"resource_name", "'other'", "instance 'main'"}},
        {"offset beyond the end",
         [&] { return read(known.to_resource(), 7); },
         {"read_offset 7", known.to_string()}},
        {"negative limit", [&] { return read(known.to_resource(), 0, -7); }, {"read_limit -7"}},
    };
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(refusals_tests, fixture)

CAF_TEST(every refusal names the field and the value and what would be right) {
  for (const auto& [what, ask, says] : table()) {
    const auto status = ask();
    CAF_MESSAGE(what << ": " << status.error_message());
    CAF_CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT
              || status.error_code() == grpc::StatusCode::OUT_OF_RANGE);
    CAF_CHECK(status.error_message().size() < 900u);
    for (const auto& part : says)
      CAF_CHECK(contains(status.error_message(), part));
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
