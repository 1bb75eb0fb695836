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
constexpr int max_retries = 5;
constexpr std::size_t question_size = 10'000; // digests of one FindMissingBlobs

absl::StatusOr<digest> hash_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return errno_status(errno, "opening " + path.string());
  hasher hash(digest_function::sha256);
  std::vector<char> buffer(chunk_bytes);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
    hash.update({buffer.data(), static_cast<std::size_t>(file.gcount())});
  if (file.bad())
    return absl::DataLossError("cannot read " + path.string() + " to its end");
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

absl::StatusOr<std::int64_t> ask_committed(client& to, const std::string& name) {
  google::bytestream::QueryWriteStatusRequest request;
  request.set_resource_name(name);
  google::bytestream::QueryWriteStatusResponse response;
  const auto context = to.new_call();
  context->set_wait_for_ready(true);
  const auto status = to.bytes->QueryWriteStatus(context.get(), request, &response);
  if (!status.ok())
    return from_grpc(status, "asking how much of an upload has arrived");
  return response.committed_size();
}

/// One stream from `offset` on, which is moved behind the last piece that was sent.
absl::Status
write_from(client& to, const std::string& name, const digest& id, std::int64_t& offset,
           const std::function<absl::StatusOr<std::string>(std::int64_t, std::int64_t)>& load) {
  google::bytestream::WriteResponse response;
  const auto context = to.new_long_call();
  const auto stream = to.bytes->Write(context.get(), &response);
  google::bytestream::WriteRequest request;
  request.set_resource_name(name);
  do {
    const auto size = std::min<std::int64_t>(chunk_bytes, id.size_bytes() - offset);
    auto piece = load(offset, size);
    if (!piece.ok()) {
      context->TryCancel();
      return piece.status();
    }
    request.set_write_offset(offset);
    request.set_data(*std::move(piece));
    request.set_finish_write(offset + size == id.size_bytes());
    if (!stream->Write(request))
      break; // the server has answered already
    request.clear_resource_name();
    offset += size;
  } while (offset < id.size_bytes());
  stream->WritesDone();
  auto status = from_grpc(stream->Finish(), "uploading " + id.to_string());
  if (status.ok() && response.committed_size() != id.size_bytes())
    return absl::DataLossError("uploading " + id.to_string() + ": the server took only "
                               + std::to_string(response.committed_size()) + " bytes");
  return status;
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

std::int64_t upload_set::total_bytes() const {
  std::int64_t sum = 0;
  for (const auto& [id, from] : blobs_)
    sum += id.size_bytes();
  return sum;
}

absl::StatusOr<std::string> upload_set::load(const digest& id) const {
  return load(id, 0, id.size_bytes());
}

absl::StatusOr<std::string> upload_set::load(const digest& id, std::int64_t offset,
                                             std::int64_t size) const {
  const auto& from = blobs_.at(id);
  if (const auto* bytes = std::get_if<std::string>(&from))
    return bytes->substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  const auto& path = std::get<std::filesystem::path>(from);
  std::ifstream file(path, std::ios::binary);
  file.seekg(offset);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (!file.read(bytes.data(), size))
    return absl::AbortedError(path.string() + " changed while it was being sent");
  return bytes;
}

absl::Status upload_set::send(client& to, const on_progress& progress) const {
  const on_progress tell = progress ? progress : [](std::int64_t) {};
  std::vector<digest> all;
  for (const auto& [id, from] : blobs_)
    if (!id.is_empty_blob())
      all.push_back(id);
  for (std::size_t first = 0; first < all.size(); first += question_size) {
    const auto missing = ask_missing(to, all, first);
    if (!missing.ok())
      return missing.status();
    std::int64_t there = 0;
    for (std::size_t i = first; i < std::min(all.size(), first + question_size); ++i)
      there += all[i].size_bytes();
    for (const auto& id : *missing)
      there -= id.size_bytes();
    tell(there);
    if (auto status = send_some(to, *missing, tell); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status upload_set::send_some(client& to, const std::vector<digest>& ids,
                                   const on_progress& progress) const {
  std::vector<digest> batch;
  std::int64_t bytes = 0;
  const auto send_pending = [&] {
    auto status = send_batch(to, batch);
    progress(bytes);
    batch.clear();
    bytes = 0;
    return status;
  };
  for (const auto& id : ids) {
    auto status = absl::OkStatus();
    if (id.size_bytes() > small_bytes) {
      status = send_stream(to, id, progress);
    } else {
      if (bytes + id.size_bytes() > batch_bytes)
        status = send_pending();
      batch.push_back(id);
      bytes += id.size_bytes();
    }
    if (!status.ok())
      return status;
  }
  return send_pending();
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

absl::Status upload_set::send_stream(client& to, const digest& id,
                                     const on_progress& progress) const {
  const auto name = upload_name(to, id);
  std::int64_t offset = 0;
  const auto load_piece = [&](std::int64_t at, std::int64_t size) {
    progress(size);
    return load(id, at, size);
  };
  auto status = write_from(to, name, id, offset, load_piece);
  for (int again = 0; absl::IsUnavailable(status) && again < max_retries; ++again) {
    const auto committed = ask_committed(to, name);
    if (!committed.ok())
      return status;
    progress(*committed - offset); // bytes that were on their way are sent again
    offset = *committed;
    status = write_from(to, name, id, offset, load_piece);
  }
  return status;
}

} // namespace expbuild
