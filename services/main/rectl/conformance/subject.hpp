#pragma once
#include "services/main/rectl/client.hpp"
#include "services/main/rectl/conformance/check.hpp"

#include <grpcpp/channel.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace expbuild::conformance {

/// What came back from a call: its status and, when that is OK, the message.
template <class Message>
struct answer {
  grpc::Status status;
  Message message;
};

/// The server under test, and what most checks do with it. It uses what any server has, and bytes
/// that no earlier run can have left there. Calls block and end by a deadline; one thread.
class subject {
public:
  explicit subject(client_options where);
  ~subject();

  /// Connects and asks for the capabilities. The error says why nothing can be tested.
  absl::Status connect();

  const reapi::ServerCapabilities& capabilities() const { return capabilities_; }
  const std::string& instance() const { return server_.options().instance; }
  client& server() { return server_; }
  const client& server() const { return server_; }
  /// Another connection to the same server.
  client& second() { return second_; }

  /// Each throws `not_offered` when the server does not claim it.
  void need_execution() const;
  void need_cache_updates() const;
  void need_disallowed_absolute_symlinks() const;

  /// A text that nobody has used before.
  std::string fresh();
  /// So many bytes that nobody has used before and that do not compress.
  std::string fresh_bytes(std::size_t size);

  /// Stores the bytes (by BatchUpdateBlobs, or ByteStream when they are many). Throws `broken`.
  digest store(const std::string& bytes);
  digest store(const google::protobuf::Message& message) {
    return store(message.SerializeAsString());
  }
  bool has(const digest& id);
  answer<reapi::FindMissingBlobsResponse> find_missing(const std::vector<reapi::Digest>& digests);
  answer<reapi::BatchReadBlobsResponse> batch_read(const std::vector<reapi::Digest>& digests);
  /// Claims that these bytes belong to this digest.
  answer<reapi::BatchUpdateBlobsResponse>
  batch_update(const std::vector<std::pair<reapi::Digest, std::string>>& blobs);
  /// The blob's bytes. Throws `broken` when they can not be read.
  std::string load(const digest& id);
  std::string load(const reapi::Digest& id);

  answer<reapi::ActionResult> get_result(const reapi::Digest& action);
  answer<reapi::ActionResult> update_result(const reapi::Digest& action,
                                            const reapi::ActionResult& result);

private:
  client server_;
  client second_;
  reapi::ServerCapabilities capabilities_;
  std::string salt_;
  std::uint64_t last_ = 0;
};

/// A digest of which nothing is stored.
digest absent_digest(subject& s);

/// The same with another size or hash text, as a careless or hostile client would send it.
reapi::Digest with_size(const digest& id, std::int64_t size);
reapi::Digest with_hash(const digest& id, const std::string& hash);

} // namespace expbuild::conformance
