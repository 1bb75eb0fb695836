#define CAF_SUITE services.slow_disk
#include "test/services/fixture.hpp"
#include "test/support/folder.hpp"
#include "test/support/slow_disk.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct slow_store {
  temporary_folder folder;
  std::shared_ptr<slow_disk> disk = std::make_shared<slow_disk>();
  std::shared_ptr<backend> blobs = *make_filesystem_backend({.root = folder.path() / "s",
                                                             .level = durability::strict,
                                                             .packed_below = 1000,
                                                             .background = false,
                                                             .calls = disk});
};

struct fixture : slow_store, service_fixture {
  fixture() : service_fixture(blobs) { stub<reapi::ContentAddressableStorage>(); }
  ~fixture() { disk->let_go(); }

  /// Ends when the blob is on the disk.
  std::future<grpc::Status> upload(const std::string& bytes) {
    return std::async(std::launch::async, [this, bytes] {
      client_context context_of_call;
      reapi::BatchUpdateBlobsRequest request;
      reapi::BatchUpdateBlobsResponse response;
      *request.add_requests()->mutable_digest() = digest::of(bytes).to_proto();
      request.mutable_requests(0)->set_data(bytes);
      const auto status = stub<reapi::ContentAddressableStorage>()->BatchUpdateBlobs(
          &context_of_call, request, &response);
      return status.ok() && response.responses(0).status().code() != 0
                 ? grpc::Status(grpc::StatusCode::INTERNAL, response.DebugString())
                 : status;
    });
  }

  std::string read(const digest& id) {
    client_context context_of_call;
    reapi::BatchReadBlobsRequest request;
    reapi::BatchReadBlobsResponse response;
    *request.add_digests() = id.to_proto();
    const auto status = stub<reapi::ContentAddressableStorage>()->BatchReadBlobs(
        &context_of_call, request, &response);
    return status.ok() ? response.responses(0).data() : status.error_message();
  }

  bool is_missing(const digest& id) {
    client_context context_of_call;
    reapi::FindMissingBlobsRequest request;
    reapi::FindMissingBlobsResponse response;
    *request.add_blob_digests() = id.to_proto();
    CAF_CHECK(stub<reapi::ContentAddressableStorage>()
                  ->FindMissingBlobs(&context_of_call, request, &response)
                  .ok());
    return response.missing_blob_digests_size() == 1;
  }
};

std::string large(int i) {
  return std::string(5000, static_cast<char>('a' + i));
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(slow_disk_tests, fixture)

CAF_TEST(nobody who reads stands behind writers that wait for a slow disk) {
  const auto packed = put("small");
  const auto alone = put(large(0));
  disk->hold();
  std::vector<std::future<grpc::Status>> uploads;
  for (int i = 1; i <= 6; ++i) // more than the pool has threads
    uploads.push_back(upload(large(i)));
  CAF_REQUIRE(disk->wait_for_syncs(2));
  CAF_CHECK_EQUAL(read(packed), "small");
  CAF_CHECK_EQUAL(read(alone), large(0));
  CAF_CHECK(!is_missing(alone));
  CAF_CHECK(is_missing(digest::of(large(6))));
  disk->let_go();
  for (auto& each : uploads)
    CAF_CHECK(each.get().ok());
  CAF_CHECK_EQUAL(read(digest::of(large(6))), large(6));
}

CAF_TEST_FIXTURE_SCOPE_END()
