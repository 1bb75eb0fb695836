#include "storage/backend.hpp"

#include "storage/hasher.hpp"

#include <cerrno>
#include <unistd.h>
#include <vector>

#include "storage/posix.hpp"

namespace expbuild {

namespace {

constexpr std::size_t chunk_size = std::size_t{256} << 10;

/// Calls `take` with what `fd` holds, from its start.
absl::Status for_each_chunk(int fd, const std::function<absl::Status(std::string_view)>& take) {
  std::vector<char> buffer(chunk_size);
  for (off_t offset = 0;;) {
    const auto n = ::pread(fd, buffer.data(), buffer.size(), offset);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno_status(errno, "reading a file to store it");
    if (n == 0)
      return absl::OkStatus();
    if (auto status = take({buffer.data(), static_cast<std::size_t>(n)}); !status.ok())
      return status;
    offset += n;
  }
}

} // namespace

blob_bytes backend::in_memory(const digest&) {
  return nullptr;
}

absl::Status blob_reader::link_into(int, const std::string&, bool) {
  return absl::UnimplementedError("this store can not link blobs into folders");
}

std::vector<absl::Status> backend::write_all(std::span<const named_bytes> blobs) {
  std::vector<absl::Status> answers;
  for (const auto& x : blobs) {
    auto writer = begin_write(x.id);
    auto status = writer.status();
    if (status.ok())
      status = (*writer)->append(x.bytes);
    if (status.ok())
      status = (*writer)->commit();
    answers.push_back(std::move(status));
  }
  return answers;
}

absl::Status backend::for_each(const std::function<void(const digest&)>& visit) {
  index().for_each([&visit](const digest& id, blob_place) { visit(id); });
  return absl::OkStatus();
}

absl::StatusOr<std::string> read_blob(backend& from, const digest& id, std::int64_t limit) {
  if (id.size_bytes() > limit)
    return absl::ResourceExhaustedError("blob " + id.to_string() + " is larger than "
                                        + std::to_string(limit) + " bytes");
  auto reader = from.open(id);
  if (!reader.ok())
    return reader.status();
  std::string bytes(static_cast<std::size_t>(id.size_bytes()), '\0');
  const auto n = (*reader)->read_at(0, bytes);
  if (!n.ok())
    return n.status();
  if (*n != bytes.size())
    return absl::DataLossError("blob " + id.to_string() + " is shorter than its digest says");
  return bytes;
}

bool has_and_keeps(backend& store, const digest& id) {
  return store.open(id).ok() && store.index().keep(id);
}

absl::StatusOr<digest> write_blob(backend& to, std::string_view bytes, digest_function function) {
  const auto id = digest::of(bytes, function);
  if (id.is_empty_blob())
    return id;
  auto writer = to.begin_write(id);
  if (!writer.ok())
    return writer.status();
  if (auto status = (*writer)->append(bytes); !status.ok())
    return status;
  if (auto status = (*writer)->commit(); !status.ok())
    return status;
  return id;
}

absl::StatusOr<digest> write_file(backend& to, int fd, digest_function function) {
  hasher hash(function);
  auto status = for_each_chunk(fd, [&hash](std::string_view bytes) {
    hash.update(bytes);
    return absl::OkStatus();
  });
  if (!status.ok())
    return status;
  const auto id = hash.finish();
  if (id.is_empty_blob() || has_and_keeps(to, id))
    return id;
  auto writer = to.begin_write(id);
  if (!writer.ok())
    return writer.status();
  status = for_each_chunk(fd, [&](std::string_view bytes) { return (*writer)->append(bytes); });
  if (status.ok())
    status = (*writer)->commit();
  if (absl::IsInvalidArgument(status))
    return absl::AbortedError("a file changed while it was being stored");
  if (!status.ok())
    return status;
  return id;
}

} // namespace expbuild
