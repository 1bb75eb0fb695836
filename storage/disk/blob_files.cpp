#include "storage/disk/blob_files.hpp"

#include <charconv>

namespace expbuild {

namespace {

constexpr mode_t blob_mode = 0444;

std::string pending_name_of(const digest& id) {
  return to_string(id.function()) + "-" + file_name_of(id);
}

std::optional<digest> parse_pending(const std::string& name) {
  const auto dash = name.find('-');
  if (dash == std::string::npos)
    return std::nullopt;
  const auto function = parse_digest_function(name.substr(0, dash));
  return function.ok() ? parse_file_name(std::string_view(name).substr(dash + 1), *function)
                       : std::nullopt;
}

std::string hex_byte(std::size_t value) {
  static constexpr char digits[] = "0123456789abcdef";
  return {digits[value >> 4], digits[value & 0xf]};
}

/// Beneath blobs/.
std::string shard_path_of(const digest& id) {
  return to_string(id.function()) + "/"
         + hex_byte(static_cast<unsigned char>(id.raw_hash().front()));
}

std::string path_of(const digest& id) {
  return shard_path_of(id) + "/" + file_name_of(id);
}

absl::Status not_here(const digest& id) {
  return absl::NotFoundError("blob " + id.to_string() + " is not stored here");
}

/// The first ones tell what happened; more would only take room.
constexpr int most_in_quarantine = 64;
constexpr std::int64_t most_bytes_in_quarantine = std::int64_t{1} << 30;

bool has_room(const disk_folder& quarantine) {
  int files = 0;
  std::int64_t bytes = 0;
  const auto status = quarantine.list([&](const std::string& name) {
    ++files;
    if (const auto file = quarantine.open(name); file.ok())
      if (const auto facts = file->facts(); facts.ok())
        bytes += facts->st_size;
    return absl::OkStatus();
  });
  return status.ok() && files < most_in_quarantine && bytes < most_bytes_in_quarantine;
}

} // namespace

std::string file_name_of(const digest& id) {
  return id.hash() + "-" + std::to_string(id.size_bytes());
}

std::optional<digest> parse_file_name(std::string_view name, digest_function function) {
  const auto dash = name.find('-');
  std::int64_t size = -1;
  if (dash == std::string_view::npos)
    return std::nullopt;
  const auto* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + dash + 1, end, size);
  if (parsed.ec != std::errc{} || parsed.ptr != end)
    return std::nullopt;
  const auto id = digest::parse(name.substr(0, dash), size, function);
  return id.ok() && file_name_of(*id) == name ? std::optional(*id) : std::nullopt;
}

std::uint32_t stamp_of(const struct stat& facts) {
  auto x = static_cast<std::uint64_t>(facts.st_mtim.tv_sec) * 1'000'000'007
           + static_cast<std::uint64_t>(facts.st_mtim.tv_nsec);
  x = (x ^ facts.st_ino * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
  return static_cast<std::uint32_t>(x >> 32) | 1;
}

// ---- folders -----------------------------------------------------------------------------------

/// A new one survives a power cut.
absl::Status blob_files::make_shard(const digest& id) const {
  const auto top = folders_.blobs.subfolder(to_string(id.function()));
  if (!top.ok())
    return top.status();
  const auto shard = top->subfolder(hex_byte(static_cast<unsigned char>(id.raw_hash().front())));
  if (!shard.ok())
    return shard.status();
  auto status = top->sync();
  status.Update(folders_.blobs.sync());
  return status;
}

// ---- blobs -------------------------------------------------------------------------------------

absl::StatusOr<disk_file> blob_files::open_settled(const digest& id) const {
  return folders_.blobs.open(path_of(id));
}

absl::StatusOr<disk_file> blob_files::open(const digest& id) {
  auto file = open_settled(id);
  if (absl::IsNotFound(file.status()))
    file = open_pending(id);
  if (absl::IsNotFound(file.status())) // it may have got its place between the two
    file = open_settled(id);
  if (absl::IsNotFound(file.status()))
    return not_here(id);
  return file;
}

absl::StatusOr<disk_file> blob_files::open_pending(const digest& id) const {
  return folders_.pending.open(pending_name_of(id));
}

absl::StatusOr<temporary_file> blob_files::make_temporary() const {
  return temporary_file::create(folders_.tmp);
}

absl::Status blob_files::publish(temporary_file file, const digest& id) {
  if (auto status = file.file().set_mode(blob_mode); !status.ok())
    return status;
  if (!folders_.blobs.existing(shard_path_of(id)).ok())
    if (auto status = make_shard(id); !status.ok())
      return status;
  return file.move_to(folders_.blobs, path_of(id));
}

absl::Status blob_files::publish_pending(temporary_file file, const digest& id) {
  if (auto status = file.file().set_mode(blob_mode); !status.ok())
    return status;
  return file.move_to(folders_.pending, pending_name_of(id));
}

absl::Status blob_files::settle(const digest& id) {
  if (!folders_.blobs.existing(shard_path_of(id)).ok())
    if (auto status = make_shard(id); !status.ok())
      return status;
  return folders_.pending.move(pending_name_of(id), folders_.blobs, path_of(id));
}

absl::Status blob_files::sync_names(const digest& id) {
  const auto shard = folders_.blobs.existing(shard_path_of(id));
  return shard.ok() ? shard->sync() : shard.status();
}

absl::Status blob_files::remove(const digest& id) {
  auto status = folders_.blobs.remove(path_of(id));
  status.Update(folders_.pending.remove(pending_name_of(id)));
  return status;
}

absl::Status blob_files::quarantine(const digest& id) {
  if (!has_room(folders_.quarantine))
    return remove(id);
  auto status = folders_.blobs.move(path_of(id), folders_.quarantine, pending_name_of(id));
  return absl::IsNotFound(status) ? quarantine_pending(id) : status;
}

absl::Status blob_files::quarantine_pending(const digest& id) const {
  const auto name = pending_name_of(id);
  if (!has_room(folders_.quarantine))
    return folders_.pending.remove(name);
  auto status = folders_.pending.move(name, folders_.quarantine, name);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status blob_files::link_settled(const digest& id, int dirfd, const std::string& name) const {
  return folders_.blobs.link(path_of(id), dirfd, name);
}

absl::Status blob_files::link(const digest& id, int dirfd, const std::string& name) {
  auto status = link_settled(id, dirfd, name);
  if (absl::IsNotFound(status))
    status = folders_.pending.link(pending_name_of(id), dirfd, name);
  if (absl::IsNotFound(status))
    status = link_settled(id, dirfd, name);
  return status;
}

// ---- all of them -------------------------------------------------------------------------------

absl::Status blob_files::for_each(const std::function<absl::Status(const digest&)>& visit) const {
  return folders_.blobs.list([&](const std::string& function_name) {
    const auto function = parse_digest_function(function_name);
    const auto top = folders_.blobs.existing(function_name);
    if (!function.ok() || !top.ok())
      return absl::OkStatus(); // nobody's, or not ours
    return top->list([&](const std::string& shard_name) {
      const auto shard = top->existing(shard_name);
      if (!shard.ok())
        return absl::OkStatus();
      return shard->list([&](const std::string& name) {
        const auto id = parse_file_name(name, *function);
        return id && hex_byte(static_cast<unsigned char>(id->raw_hash().front())) == shard_name
                   ? visit(*id)
                   : absl::OkStatus();
      });
    });
  });
}

absl::Status
blob_files::for_each_pending(const std::function<absl::Status(const digest&)>& visit) const {
  return folders_.pending.list([&](const std::string& name) {
    const auto id = parse_pending(name);
    return id ? visit(*id) : absl::OkStatus();
  });
}

} // namespace expbuild
