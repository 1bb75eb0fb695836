#pragma once
#include "storage/hasher.hpp"
#include "test/services/fixture.hpp"

namespace expbuild::test {

/// Splits and splices with small chunks, so that small blobs have many.
struct chunking_fixture : service_fixture {
  using blobs = reapi::ContentAddressableStorage::Stub;
  using function = reapi::ChunkingFunction;

  chunking_fixture() { use({}); }

  void use(chunking_options options) {
    options.fast_cdc.average_bytes = 1024;
    options.rep_max = {.min_bytes = 256, .horizon_bytes = 2048};
    context->chunks = std::make_shared<chunking>(options);
  }

  std::pair<grpc::Status, reapi::SplitBlobResponse>
  split(const reapi::Digest& id, function::Value wanted = function::UNKNOWN) {
    client_context call;
    reapi::SplitBlobRequest request;
    *request.mutable_blob_digest() = id;
    request.set_chunking_function(wanted);
    std::pair<grpc::Status, reapi::SplitBlobResponse> result;
    result.first =
        stub<reapi::ContentAddressableStorage>()->SplitBlob(&call, request, &result.second);
    return result;
  }
  auto split(const digest& id, function::Value wanted = function::UNKNOWN) {
    return split(id.to_proto(), wanted);
  }

  std::pair<grpc::Status, reapi::SpliceBlobResponse> splice(const digest& id,
                                                            const std::vector<digest>& chunks) {
    client_context call;
    reapi::SpliceBlobRequest request;
    *request.mutable_blob_digest() = id.to_proto();
    for (const auto& chunk : chunks)
      *request.add_chunk_digests() = chunk.to_proto();
    std::pair<grpc::Status, reapi::SpliceBlobResponse> result;
    result.first =
        stub<reapi::ContentAddressableStorage>()->SpliceBlob(&call, request, &result.second);
    return result;
  }

  static std::vector<digest> digests_of(const reapi::SplitBlobResponse& answer,
                                        digest_function of = digest_function::sha256) {
    std::vector<digest> ids;
    for (const auto& x : answer.chunk_digests())
      ids.push_back(*digest::from_proto(x, of));
    return ids;
  }

  std::string bytes_of(const digest& id) {
    auto bytes = read_blob(*store, id, 1 << 30);
    CAF_REQUIRE(bytes.ok());
    return *std::move(bytes);
  }

  /// The blobs' bytes one after the other.
  std::string joined(const std::vector<digest>& ids) {
    std::string all;
    for (const auto& id : ids)
      all += bytes_of(id);
    return all;
  }

  std::vector<digest> missing_of(const std::vector<digest>& ids) {
    std::promise<std::vector<digest>> missing;
    caf::anon_send(context->cas, find_missing{.trace = {}, .digests = ids},
                   reply<missing_blobs>([&missing](const absl::StatusOr<missing_blobs>& x) {
                     missing.set_value(x->digests);
                   }));
    return missing.get_future().get();
  }

  /// Takes the blob away without telling anybody.
  void lose(const digest& id) { CAF_REQUIRE(store->remove(id).ok()); }

  /// Takes the blob away as an eviction does.
  void evict(const digest& id) {
    lose(id);
    caf::anon_send(context->cas, blobs_lost{.trace = {}, .digests = {id}});
  }

  /// Bytes that look random and are the same in every run.
  static std::string some_bytes(std::size_t size, const std::string& salt = "") {
    std::string bytes;
    for (int i = 0; bytes.size() < size; ++i)
      bytes += digest::of(salt + std::to_string(i)).raw_hash();
    bytes.resize(size);
    return bytes;
  }
};

} // namespace expbuild::test
