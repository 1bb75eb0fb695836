#include "services/request_checks.hpp"

#include <absl/strings/ascii.h>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

constexpr char metadata_header[] = "build.bazel.remote.execution.v2.requestmetadata-bin";

std::string names_of(const std::vector<digest_function>& functions) {
  std::string text;
  for (const auto x : functions)
    text += (text.empty() ? "" : ", ") + to_string(x);
  return text;
}

absl::Status not_offered(const service_context& context, const std::string& compressor) {
  std::string offered;
  for (const auto x : context.codecs)
    offered += to_string(x) + ", ";
  return absl::InvalidArgumentError("compressor '" + compressor
                                    + "' is not offered by this server (offered: " + offered
                                    + "IDENTITY, which is plain bytes)");
}

std::string instance_text(const std::string& name) {
  return name.empty() ? "the empty instance name" : "instance '" + name + "'";
}

} // namespace

absl::Status check_instance(const service_context& context, const std::string& name) {
  if (name.empty() || name == context.instance_name)
    return absl::OkStatus();
  return absl::InvalidArgumentError("instance_name: unknown instance '" + name.substr(0, 200)
                                    + "': this server serves "
                                    + instance_text(context.instance_name)
                                    + "; set the client's remote instance name accordingly");
}

absl::StatusOr<digest_reader>
digest_reader::inferring(const std::vector<digest_function>& announced) {
  digest_reader reader(announced);
  std::erase_if(reader.announced_, must_be_named);
  if (reader.announced_.empty())
    return absl::InvalidArgumentError("digest_function: it must be named (offered: "
                                      + names_of(announced)
                                      + "), since a hash without it would be another function's");
  return reader;
}

absl::StatusOr<digest_reader> digest_reader::make(const service_context& context,
                                                  reapi::DigestFunction::Value declared) {
  if (declared == reapi::DigestFunction::UNKNOWN)
    return inferring(context.digest_functions);
  for (const auto announced : context.digest_functions)
    if (static_cast<int>(announced) == static_cast<int>(declared))
      return digest_reader(std::vector{announced});
  auto name = reapi::DigestFunction::Value_Name(declared);
  if (name.empty())
    name = std::to_string(static_cast<int>(declared));
  return absl::InvalidArgumentError("digest_function: " + name + " is not offered here (offered: "
                                    + names_of(context.digest_functions) + ")");
}

absl::StatusOr<digest> digest_reader::read(std::string_view hash, std::int64_t size_bytes,
                                           std::string_view field) const {
  if (size_bytes < 0)
    return absl::InvalidArgumentError(std::string(field) + ": size_bytes "
                                      + std::to_string(size_bytes)
                                      + " is negative; it is the number of bytes of the blob");
  for (const auto function : announced_)
    if (hash.size() == 2 * hash_length(function)) {
      auto id = digest::parse(hash, size_bytes, function);
      if (!id.ok())
        return absl::InvalidArgumentError(std::string(field) + ": "
                                          + std::string(id.status().message()));
      return id;
    }
  std::string right;
  for (const auto function : announced_)
    right += (right.empty() ? "" : ", ") + to_string(function) + ": "
             + std::to_string(2 * hash_length(function));
  return absl::InvalidArgumentError(
      std::string(field) + ": hash '" + std::string(hash.substr(0, 130)) + "' has "
      + std::to_string(hash.size()) + " characters, which fits no digest function of the request ("
      + right + ")");
}

absl::StatusOr<digest> read_digest(const service_context& context, const std::string& instance,
                                   reapi::DigestFunction::Value declared, const reapi::Digest& x,
                                   std::string_view field) {
  if (auto status = check_instance(context, instance); !status.ok())
    return status;
  const auto reader = digest_reader::make(context, declared);
  if (!reader.ok())
    return reader.status();
  return reader->read(x, field);
}

absl::StatusOr<codec> read_codec(const service_context& context, std::string_view name) {
  for (const auto each : context.codecs)
    if (name == absl::AsciiStrToLower(to_string(each)))
      return each;
  return not_offered(context, std::string(name.substr(0, 100)));
}

absl::StatusOr<codec> read_codec(const service_context& context, reapi::Compressor::Value x) {
  for (const auto each : context.codecs)
    if (static_cast<int>(x) == static_cast<int>(each))
      return each;
  const auto& name = reapi::Compressor::Value_Name(x);
  return not_offered(context, name.empty() ? std::to_string(static_cast<int>(x)) : name);
}

request_metadata asker_of(const grpc::ServerContextBase& call) {
  const auto& headers = call.client_metadata();
  const auto found = headers.find(metadata_header);
  reapi::RequestMetadata wire;
  if (found == headers.end()
      || !wire.ParseFromArray(found->second.data(), static_cast<int>(found->second.size())))
    return {};
  return {.tool_name = wire.tool_details().tool_name(),
          .tool_version = wire.tool_details().tool_version(),
          .action_id = wire.action_id(),
          .invocation_id = wire.tool_invocation_id(),
          .correlated_invocations_id = wire.correlated_invocations_id(),
          .target_id = wire.target_id(),
          .action_mnemonic = wire.action_mnemonic(),
          .configuration_id = wire.configuration_id()};
}

} // namespace expbuild
