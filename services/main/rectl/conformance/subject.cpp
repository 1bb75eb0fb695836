#include "services/main/rectl/conformance/subject.hpp"

#include "services/main/rectl/conformance/byte_stream.hpp"

#include <random>

namespace expbuild::conformance {

namespace {

constexpr std::size_t batch_bytes = 64 << 10; // what `store` sends in a batch

client_options on_its_own(client_options x) {
  x.own_connection = true;
  return x;
}

} // namespace

subject::subject(client_options where)
    : server_(where), second_(on_its_own(where)),
      salt_(std::to_string(std::random_device()()) + "-" + std::to_string(std::random_device()())) {
}

subject::~subject() = default;

absl::Status subject::connect() {
  if (auto status = server_.connect(std::chrono::seconds(5)); !status.ok())
    return status;
  reapi::GetCapabilitiesRequest request;
  request.set_instance_name(instance());
  auto status = from_grpc(
      server_.capabilities->GetCapabilities(server_.new_call().get(), request, &capabilities_),
      "asking for the capabilities");
  if (!status.ok())
    return status;
  for (const auto function : capabilities_.cache_capabilities().digest_functions())
    if (function == reapi::DigestFunction::SHA256)
      return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the server does not announce SHA256, which these checks use");
}

void subject::need_execution() const {
  if (!capabilities_.execution_capabilities().exec_enabled())
    throw not_offered("exec_enabled is false");
}

void subject::need_cache_updates() const {
  if (!capabilities_.cache_capabilities().action_cache_update_capabilities().update_enabled())
    throw not_offered("update_enabled is false");
}

void subject::need_disallowed_absolute_symlinks() const {
  if (capabilities_.cache_capabilities().symlink_absolute_path_strategy()
      != reapi::SymlinkAbsolutePathStrategy::DISALLOWED)
    throw not_offered("symlink_absolute_path_strategy is not DISALLOWED");
}

std::string subject::fresh() {
  return "conformance " + salt_ + " " + std::to_string(++last_);
}

std::string subject::fresh_bytes(std::size_t size) {
  auto bytes = fresh();
  std::mt19937_64 chance(std::hash<std::string>()(bytes));
  while (bytes.size() < size) {
    const auto x = chance();
    bytes.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  bytes.resize(size);
  return bytes;
}

digest subject::store(const std::string& bytes) {
  const auto id = digest::of(bytes);
  if (bytes.size() > batch_bytes) {
    const auto stored = upload_whole(*this, id, bytes);
    expect_ok("uploading " + std::to_string(bytes.size()) + " bytes", stored.status);
    return id;
  }
  const auto stored = batch_update({{id.to_proto(), bytes}});
  expect_ok("BatchUpdateBlobs", stored.status);
  expect_equal("responses", stored.message.responses_size(), 1);
  expect_ok("storing a blob", stored.message.responses(0).status());
  return id;
}

answer<reapi::FindMissingBlobsResponse>
subject::find_missing(const std::vector<reapi::Digest>& digests) {
  reapi::FindMissingBlobsRequest request;
  request.set_instance_name(instance());
  request.mutable_blob_digests()->Add(digests.begin(), digests.end());
  answer<reapi::FindMissingBlobsResponse> came;
  came.status = server_.cas->FindMissingBlobs(server_.new_call().get(), request, &came.message);
  return came;
}

bool subject::has(const digest& id) {
  const auto came = find_missing({id.to_proto()});
  expect_ok("FindMissingBlobs", came.status);
  return came.message.missing_blob_digests().empty();
}

answer<reapi::BatchReadBlobsResponse>
subject::batch_read(const std::vector<reapi::Digest>& digests) {
  reapi::BatchReadBlobsRequest request;
  request.set_instance_name(instance());
  request.mutable_digests()->Add(digests.begin(), digests.end());
  answer<reapi::BatchReadBlobsResponse> came;
  came.status = server_.cas->BatchReadBlobs(server_.new_call().get(), request, &came.message);
  return came;
}

answer<reapi::BatchUpdateBlobsResponse>
subject::batch_update(const std::vector<std::pair<reapi::Digest, std::string>>& blobs) {
  reapi::BatchUpdateBlobsRequest request;
  request.set_instance_name(instance());
  for (const auto& [id, bytes] : blobs) {
    auto& each = *request.add_requests();
    *each.mutable_digest() = id;
    each.set_data(bytes);
  }
  answer<reapi::BatchUpdateBlobsResponse> came;
  came.status = server_.cas->BatchUpdateBlobs(server_.new_call().get(), request, &came.message);
  return came;
}

std::string subject::load(const digest& id) {
  auto came = read(*this, read_name(*this, id));
  expect_ok("reading blob " + id.to_string(), came.status);
  expect(digest::of(came.bytes) == id, "the bytes of " + id.to_string(),
         std::to_string(came.bytes.size()) + " others");
  return came.bytes;
}

std::string subject::load(const reapi::Digest& id) {
  const auto parsed = digest::from_proto(id, digest_function::sha256);
  expect(parsed.ok(), "a SHA256 digest", show(id.ShortDebugString()));
  return load(*parsed);
}

answer<reapi::ActionResult> subject::get_result(const reapi::Digest& action) {
  reapi::GetActionResultRequest request;
  request.set_instance_name(instance());
  *request.mutable_action_digest() = action;
  answer<reapi::ActionResult> came;
  came.status =
      server_.action_cache->GetActionResult(server_.new_call().get(), request, &came.message);
  return came;
}

answer<reapi::ActionResult> subject::update_result(const reapi::Digest& action,
                                                   const reapi::ActionResult& result) {
  reapi::UpdateActionResultRequest request;
  request.set_instance_name(instance());
  *request.mutable_action_digest() = action;
  *request.mutable_action_result() = result;
  answer<reapi::ActionResult> came;
  came.status =
      server_.action_cache->UpdateActionResult(server_.new_call().get(), request, &came.message);
  return came;
}

digest absent_digest(subject& s) {
  return digest::of(s.fresh());
}

reapi::Digest with_size(const digest& id, std::int64_t size) {
  auto wire = id.to_proto();
  wire.set_size_bytes(size);
  return wire;
}

reapi::Digest with_hash(const digest& id, const std::string& hash) {
  auto wire = id.to_proto();
  wire.set_hash(hash);
  return wire;
}

} // namespace expbuild::conformance
