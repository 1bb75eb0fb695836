#include "services/batch_read.hpp"
#include "services/batch_update.hpp"
#include "services/blob_splice.hpp"
#include "services/blob_split.hpp"
#include "services/find_missing.hpp"
#include "services/request_checks.hpp"
#include "services/rpc_call.hpp"
#include "services/services.hpp"
#include "services/tree_stream.hpp"

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

/// In one batch, of any size: each costs an answer, even if it is empty. More blobs with their
/// digests than an answer has room for.
constexpr int max_batch_entries = 100'000;

/// Instance, digest function and number of entries of a batch request.
template <class Request>
absl::StatusOr<digest_reader> admit(const service_context& context, const Request& request,
                                    int entries) {
  if (auto status = check_instance(context, request.instance_name()); !status.ok())
    return status;
  if (entries > max_batch_entries)
    return absl::InvalidArgumentError("one batch request may have "
                                      + std::to_string(max_batch_entries) + " blobs, not "
                                      + std::to_string(entries) + "; send several");
  return digest_reader::make(context, request.digest_function());
}

absl::StatusOr<std::vector<digest>>
read_all(const digest_reader& digests,
         const google::protobuf::RepeatedPtrField<reapi::Digest>& wire, std::string_view field) {
  std::vector<digest> ids;
  ids.reserve(static_cast<std::size_t>(wire.size()));
  for (const auto& x : wire) {
    auto id = digests.read(x, field);
    if (!id.ok())
      return id.status();
    ids.push_back(*id);
  }
  return ids;
}

/// A sum of blob sizes that can not overflow.
class batch_size {
public:
  explicit batch_size(std::int64_t limit) : limit_(limit) {}
  void add(std::int64_t bytes) { sum_ += std::clamp<std::int64_t>(bytes, 0, limit_ + 1 - sum_); }
  absl::Status check() const {
    if (sum_ <= limit_)
      return absl::OkStatus();
    return absl::InvalidArgumentError("the blobs of one batch request may have "
                                      + std::to_string(limit_)
                                      + " bytes together (max_batch_total_size_bytes); send fewer,"
                                        " or use ByteStream");
  }

private:
  std::int64_t limit_;
  std::int64_t sum_ = 0;
};

absl::Status check_size(const service_context& context,
                        const reapi::BatchUpdateBlobsRequest& request) {
  batch_size size(context.batch_limit());
  for (const auto& x : request.requests()) {
    const auto sent = static_cast<std::int64_t>(x.data().size());
    const bool is_plain = x.compressor() == reapi::Compressor::IDENTITY;
    size.add(is_plain ? sent : std::max(sent, x.digest().size_bytes()));
  }
  return size.check();
}

absl::Status check_size(const service_context& context,
                        const reapi::BatchReadBlobsRequest& request) {
  batch_size size(context.batch_limit());
  for (const auto& x : request.digests())
    size.add(x.size_bytes());
  return size.check();
}

using blobs = reapi::ContentAddressableStorage;

/// FindMissingBlobs is raw: it is called with very many digests. The other calls are messages.
using service_base = blobs::WithRawCallbackMethod_FindMissingBlobs<
    blobs::WithCallbackMethod_BatchUpdateBlobs<blobs::WithCallbackMethod_BatchReadBlobs<
        blobs::WithCallbackMethod_GetTree<blobs::WithCallbackMethod_SplitBlob<
            blobs::WithCallbackMethod_SpliceBlob<blobs::Service>>>>>>;

class cas_service final : public service_base {
public:
  explicit cas_service(context_ptr context)
      : context_(std::move(context)), find_(meter("FindMissingBlobs")),
        update_(meter("BatchUpdateBlobs")), read_(meter("BatchReadBlobs")), tree_(meter("GetTree")),
        split_(meter("SplitBlob")), splice_(meter("SpliceBlob")) {}

  grpc::ServerUnaryReactor* FindMissingBlobs(grpc::CallbackServerContext* call,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override {
    return serve(*context_, *call, find_, [&](const unary_call& answer) {
      auto ids = read_find_missing(*context_, *request);
      if (ids.ok())
        find(*std::move(ids), response, answer);
      return ids.status();
    });
  }

  grpc::ServerUnaryReactor* BatchUpdateBlobs(grpc::CallbackServerContext* call,
                                             const reapi::BatchUpdateBlobsRequest* request,
                                             reapi::BatchUpdateBlobsResponse* response) override {
    return serve(*context_, *call, update_, [&](const unary_call& answer) {
      const auto digests = admit(*context_, *request, request->requests_size());
      auto status = digests.ok() ? check_size(*context_, *request) : digests.status();
      if (status.ok())
        update_blobs(context_, *digests, *request, *response, answer);
      return status;
    });
  }

  grpc::ServerUnaryReactor* BatchReadBlobs(grpc::CallbackServerContext* call,
                                           const reapi::BatchReadBlobsRequest* request,
                                           reapi::BatchReadBlobsResponse* response) override {
    return serve(*context_, *call, read_, [&](const unary_call& answer) {
      const auto digests = admit(*context_, *request, request->digests_size());
      auto status = digests.ok() ? check_size(*context_, *request) : digests.status();
      if (status.ok())
        read_blobs(context_, *digests, *request, *response, answer);
      return status;
    });
  }

  grpc::ServerWriteReactor<reapi::GetTreeResponse>*
  GetTree(grpc::CallbackServerContext* call, const reapi::GetTreeRequest* request) override {
    const trace_scope scope(new_trace_id());
    return stream_tree(context_, tree_, *call,
                       read_digest(*context_, request->instance_name(), request->digest_function(),
                                   request->root_digest(), "root_digest"),
                       *request);
  }

  grpc::ServerUnaryReactor* SplitBlob(grpc::CallbackServerContext* call,
                                      const reapi::SplitBlobRequest* request,
                                      reapi::SplitBlobResponse* response) override {
    return serve(*context_, *call, split_, [&](const unary_call& answer) {
      const auto id = read_digest(*context_, request->instance_name(), request->digest_function(),
                                  request->blob_digest(), "blob_digest");
      if (id.ok())
        split_blob(context_, *call, *id, request->chunking_function(), *response, answer);
      return id.status();
    });
  }

  grpc::ServerUnaryReactor* SpliceBlob(grpc::CallbackServerContext* call,
                                       const reapi::SpliceBlobRequest* request,
                                       reapi::SpliceBlobResponse* response) override {
    return serve(*context_, *call, splice_, [&](const unary_call& answer) {
      const auto id = read_digest(*context_, request->instance_name(), request->digest_function(),
                                  request->blob_digest(), "blob_digest");
      if (!id.ok())
        return id.status();
      auto chunks = read_chunks(*request, id->function());
      if (chunks.ok())
        splice_blob(context_, *call, *id, *std::move(chunks), *response, answer);
      return chunks.status();
    });
  }

private:
  rpc_meter& meter(const char* method) const {
    return context_->meters->rpc(reapi::ContentAddressableStorage::service_full_name(), method);
  }

  /// They have the same digest function as the blob.
  absl::StatusOr<std::vector<digest>> read_chunks(const reapi::SpliceBlobRequest& request,
                                                  digest_function function) const {
    const auto most = context_->chunks->options().max_chunks;
    if (request.chunk_digests_size() > most)
      return absl::InvalidArgumentError(
          "chunk_digests: " + std::to_string(request.chunk_digests_size()) + " chunks, and at most "
          + std::to_string(most) + " can be spliced: use larger ones");
    const auto digests = digest_reader::make(
        *context_, static_cast<reapi::DigestFunction::Value>(static_cast<int>(function)));
    if (!digests.ok())
      return digests.status();
    return read_all(*digests, request.chunk_digests(), "chunk_digests");
  }

  void find(std::vector<digest> ids, grpc::ByteBuffer* response, const unary_call& answer) const {
    caf::anon_send(
        context_->cas, find_missing{.trace = {}, .digests = std::move(ids)},
        reply<missing_blobs>([response, answer](const absl::StatusOr<missing_blobs>& missing) {
          if (missing.ok())
            *response = find_missing_response(missing->digests);
          answer.finish(missing.status());
        }));
  }

  context_ptr context_;
  rpc_meter& find_;
  rpc_meter& update_;
  rpc_meter& read_;
  rpc_meter& tree_;
  rpc_meter& split_;
  rpc_meter& splice_;
};

} // namespace

std::unique_ptr<grpc::Service> make_cas_service(context_ptr context) {
  return std::make_unique<cas_service>(std::move(context));
}

} // namespace expbuild
