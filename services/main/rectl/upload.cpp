#include "services/main/rectl/upload.hpp"

#include "storage/hasher.hpp"
#include "storage/output_tree.hpp"
#include "storage/posix.hpp"

#include <fcntl.h>
#include <fstream>
#include <random>

namespace expbuild {

namespace {

constexpr std::int64_t batch_bytes = 2 << 20;   // of one BatchUpdateBlobs
constexpr std::int64_t small_bytes = 256 << 10; // what goes into a batch at all
constexpr std::size_t chunk_bytes = 1 << 20;
constexpr std::size_t question_size = 10'000; // digests of one FindMissingBlobs

absl::StatusOr<digest> hash_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return absl::NotFoundError("cannot read " + path.string());
  hasher hash(digest_function::sha256);
  std::vector<char> buffer(chunk_bytes);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
    hash.update({buffer.data(), static_cast<std::size_t>(file.gcount())});
  return hash.finish();
}

std::string upload_name(const client& to, const digest& id) {
  static std::random_device chance;
  const auto& instance = to.options().instance;
  return (instance.empty() ? "" : instance + "/") + "uploads/rectl-" + std::to_string(chance())
         + "-" + std::to_string(chance()) + "/" + id.to_resource();
}

absl::StatusOr<std::vector<digest>> ask_missing(client& to, const std::vector<digest>& all,
                                                std::size_t first) {
  reapi::FindMissingBlobsRequest request;
  request.set_instance_name(to.options().instance);
  for (std::size_t i = first; i < std::min(all.size(), first + question_size); ++i)
    *request.add_blob_digests() = all[i].to_proto();
  reapi::FindMissingBlobsResponse response;
  const auto status = to.cas->FindMissingBlobs(to.new_call().get(), request, &response);
  if (!status.ok())
    return from_grpc(status, "asking which blobs are missing");
  std::vector<digest> missing;
  for (const auto& x : response.missing_blob_digests())
    missing.push_back(*digest::from_proto(x, digest_function::sha256));
  return missing;
}

} // namespace

digest upload_set::add(std::string bytes) {
  const auto id = digest::of(bytes);
  blobs_.emplace(id, std::move(bytes));
  return id;
}

absl::StatusOr<digest> upload_set::add_file(const std::filesystem::path& path) {
  auto id = hash_file(path);
  if (id.ok())
    blobs_.emplace(*id, path);
  return id;
}

absl::StatusOr<digest> upload_set::add_directory(const std::filesystem::path& path) {
  const unique_fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder)
    return errno_status(errno, "opening " + path.string());
  const auto tree =
      read_directory_tree(folder.get(), digest_function::sha256, absolute_symlinks::allowed,
                          [&](int, const std::string& name) { return add_file(path / name); });
  if (!tree.ok())
    return tree.status();
  for (const auto& child : tree->children)
    add(child.SerializeAsString());
  return add(tree->root.SerializeAsString());
}

absl::StatusOr<std::string> upload_set::load(const digest& id) const {
  const auto& from = blobs_.at(id);
  if (const auto* bytes = std::get_if<std::string>(&from))
    return *bytes;
  const auto& path = std::get<std::filesystem::path>(from);
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file || static_cast<std::int64_t>(bytes.size()) != id.size_bytes())
    return absl::AbortedError(path.string() + " changed while it was being sent");
  return bytes;
}

absl::Status upload_set::send(client& to) const {
  std::vector<digest> all;
  for (const auto& [id, from] : blobs_)
    if (!id.is_empty_blob())
      all.push_back(id);
  for (std::size_t first = 0; first < all.size(); first += question_size) {
    const auto missing = ask_missing(to, all, first);
    if (!missing.ok())
      return missing.status();
    std::vector<digest> batch;
    std::int64_t bytes = 0;
    auto status = absl::OkStatus();
    for (const auto& id : *missing) {
      if (id.size_bytes() > small_bytes) {
        status.Update(send_stream(to, id));
        continue;
      }
      if (bytes + id.size_bytes() > batch_bytes) {
        status.Update(send_batch(to, batch));
        batch.clear();
        bytes = 0;
      }
      batch.push_back(id);
      bytes += id.size_bytes();
    }
    status.Update(send_batch(to, batch));
    if (!status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status upload_set::send_batch(client& to, const std::vector<digest>& ids) const {
  if (ids.empty())
    return absl::OkStatus();
  reapi::BatchUpdateBlobsRequest request;
  request.set_instance_name(to.options().instance);
  for (const auto& id : ids) {
    auto bytes = load(id);
    if (!bytes.ok())
      return bytes.status();
    auto& each = *request.add_requests();
    *each.mutable_digest() = id.to_proto();
    each.set_data(*std::move(bytes));
  }
  reapi::BatchUpdateBlobsResponse response;
  const auto status = to.cas->BatchUpdateBlobs(to.new_call().get(), request, &response);
  if (!status.ok())
    return from_grpc(status, "uploading");
  for (const auto& each : response.responses())
    if (each.status().code() != 0)
      return absl::Status(static_cast<absl::StatusCode>(each.status().code()),
                          "uploading " + each.digest().hash() + ": " + each.status().message());
  return absl::OkStatus();
}

absl::Status upload_set::send_stream(client& to, const digest& id) const {
  const auto bytes = load(id);
  if (!bytes.ok())
    return bytes.status();
  google::bytestream::WriteResponse response;
  const auto context = to.new_call();
  const auto stream = to.bytes->Write(context.get(), &response);
  google::bytestream::WriteRequest request;
  request.set_resource_name(upload_name(to, id));
  for (std::size_t offset = 0; offset < bytes->size(); offset += chunk_bytes) {
    request.set_write_offset(static_cast<std::int64_t>(offset));
    request.set_data(bytes->substr(offset, chunk_bytes));
    request.set_finish_write(offset + chunk_bytes >= bytes->size());
    if (!stream->Write(request))
      break; // the server has answered already
    request.clear_resource_name();
  }
  stream->WritesDone();
  auto status = from_grpc(stream->Finish(), "uploading " + id.to_string());
  if (status.ok() && response.committed_size() != id.size_bytes())
    return absl::DataLossError("uploading " + id.to_string() + ": the server took only "
                               + std::to_string(response.committed_size()) + " bytes");
  return status;
}

} // namespace expbuild
