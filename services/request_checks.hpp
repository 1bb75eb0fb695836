#pragma once
#include "actors/messages.hpp"
#include "services/service_context.hpp"

#include <absl/status/statusor.h>

namespace grpc {
class ServerContextBase;
}

/// What every door asks before it lets a request in. No thread, no disk, no actor.

namespace expbuild {

/// INVALID_ARGUMENT, naming the right one, for any instance but ours; no name means ours.
absl::Status check_instance(const service_context& context, const std::string& name);

/// Reads the digests of one request.
class digest_reader {
public:
  /// `declared` is the request's digest_function; UNKNOWN (0) infers it per digest, by the hash's
  /// length, among the announced ones that need not be named. INVALID_ARGUMENT for one that is not
  /// announced.
  static absl::StatusOr<digest_reader> make(const service_context& context,
                                            reapi::DigestFunction::Value declared);

  /// INVALID_ARGUMENT, in words, for a hash of the wrong length or alphabet, or a negative size.
  /// `field` is what the request calls it.
  absl::StatusOr<digest> read(std::string_view hash, std::int64_t size_bytes,
                              std::string_view field) const;
  absl::StatusOr<digest> read(const reapi::Digest& x, std::string_view field) const {
    return read(x.hash(), x.size_bytes(), field);
  }

private:
  static absl::StatusOr<digest_reader> inferring(const std::vector<digest_function>& announced);
  explicit digest_reader(std::vector<digest_function> announced)
      : announced_(std::move(announced)) {}
  std::vector<digest_function> announced_; // or the declared one alone
};

/// Both of the above and one digest: what most requests need.
absl::StatusOr<digest> read_digest(const service_context& context, const std::string& instance,
                                   reapi::DigestFunction::Value declared, const reapi::Digest& x,
                                   std::string_view field);

/// The announced compressor that a resource name calls so ("zstd"), or that a message says.
/// INVALID_ARGUMENT, naming those that are offered, for any other.
absl::StatusOr<codec> read_codec(const service_context& context, std::string_view name);
absl::StatusOr<codec> read_codec(const service_context& context, reapi::Compressor::Value x);

/// The RequestMetadata that clients send along as a header; empty when there is none.
request_metadata asker_of(const grpc::ServerContextBase& call);

} // namespace expbuild
