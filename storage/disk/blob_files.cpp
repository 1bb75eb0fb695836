#include "storage/disk/blob_files.hpp"

#include <charconv>

namespace expbuild {

namespace {

constexpr mode_t blob_mode = 0444;
constexpr std::string_view suffix = ".zst";
constexpr stored_as forms[] = {stored_as::plain, stored_as::frames};

std::string with_form(std::string name, stored_as form) {
  return form == stored_as::frames ? name.append(suffix) : name;
}

/// Takes the suffix off.
stored_as take_form(std::string_view& name) {
  if (name.size() < suffix.size() || name.substr(name.size() - suffix.size()) != suffix)
    return stored_as::plain;
  name.remove_suffix(suffix.size());
  return stored_as::frames;
}

std::string pending_name_of(const digest& id, stored_as form) {
  return with_form(to_string(id.function()) + "-" + file_name_of(id), form);
}

std::optional<digest> parse_pending(const std::string& name) {
  const auto dash = name.find('-');
  if (dash == std::string::npos)
    return std::nullopt;
  const auto function = parse_digest_function(name.substr(0, dash));
  auto rest = std::string_view(name).substr(dash + 1);
  take_form(rest);
  return function.ok() ? parse_file_name(rest, *function) : std::nullopt;
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

std::string path_of(const digest& id, stored_as form) {
  return with_form(shard_path_of(id) + "/" + file_name_of(id), form);
}

absl::Status not_here(const digest& id) {
  return absl::NotFoundError("blob " + id.to_string() + " is not stored here");
}

/// What is no folder of ours is nobody's; one that can not be opened may hide blobs.
absl::Status unless_foreign(const absl::Status& why) {
  const bool foreign = absl::IsNotFound(why) || absl::IsFailedPrecondition(why); // a file, a link
  return foreign ? absl::OkStatus() : why;
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

absl::StatusOr<disk_file> blob_files::open_settled(const digest& id, stored_as form) const {
  return folders_.blobs.open(path_of(id, form));
}

absl::StatusOr<disk_file> blob_files::open_as(const digest& id, stored_as form) const {
  auto file = open_settled(id, form);
  if (absl::IsNotFound(file.status()))
    file = folders_.pending.open(pending_name_of(id, form));
  if (absl::IsNotFound(file.status())) // it may have got its place between the two
    file = open_settled(id, form);
  return file;
}

absl::StatusOr<found_file> blob_files::open(const digest& id, stored_as expected) {
  const auto other = expected == stored_as::plain ? stored_as::frames : stored_as::plain;
  for (const auto form : {expected, other}) {
    auto file = open_as(id, form);
    if (file.ok())
      return found_file{*std::move(file), form};
    if (!absl::IsNotFound(file.status()))
      return file.status();
  }
  return not_here(id);
}

absl::StatusOr<found_file> blob_files::open_pending(const digest& id) const {
  for (const auto form : forms) {
    auto file = folders_.pending.open(pending_name_of(id, form));
    if (file.ok())
      return found_file{*std::move(file), form};
    if (!absl::IsNotFound(file.status()))
      return file.status();
  }
  return not_here(id);
}

absl::StatusOr<temporary_file> blob_files::make_temporary() const {
  return temporary_file::create(folders_.tmp);
}

absl::Status blob_files::publish(temporary_file file, const digest& id, stored_as form) {
  if (auto status = file.file().set_mode(blob_mode); !status.ok())
    return status;
  if (!folders_.blobs.existing(shard_path_of(id)).ok())
    if (auto status = make_shard(id); !status.ok())
      return status;
  return file.move_to(folders_.blobs, path_of(id, form));
}

absl::Status blob_files::publish_pending(temporary_file file, const digest& id, stored_as form) {
  if (auto status = file.file().set_mode(blob_mode); !status.ok())
    return status;
  return file.move_to(folders_.pending, pending_name_of(id, form));
}

absl::Status blob_files::settle(const digest& id, stored_as form) {
  if (!folders_.blobs.existing(shard_path_of(id)).ok())
    if (auto status = make_shard(id); !status.ok())
      return status;
  return folders_.pending.move(pending_name_of(id, form), folders_.blobs, path_of(id, form));
}

absl::Status blob_files::sync_names(const digest& id) {
  const auto shard = folders_.blobs.existing(shard_path_of(id));
  return shard.ok() ? shard->sync() : shard.status();
}

absl::Status blob_files::remove(const digest& id, stored_as form) {
  auto status = folders_.blobs.remove(path_of(id, form));
  status.Update(folders_.pending.remove(pending_name_of(id, form)));
  return status;
}

absl::Status blob_files::remove(const digest& id) {
  auto status = remove(id, stored_as::plain);
  status.Update(remove(id, stored_as::frames));
  return status;
}

absl::Status blob_files::quarantine_settled(const digest& id, stored_as form) const {
  return folders_.blobs.move(path_of(id, form), folders_.quarantine, pending_name_of(id, form));
}

absl::Status blob_files::quarantine(const digest& id) {
  if (!has_room(folders_.quarantine))
    return remove(id);
  bool done = false;
  for (const auto form : forms) {
    const auto status = quarantine_settled(id, form);
    if (!status.ok() && !absl::IsNotFound(status))
      return status;
    done = done || status.ok();
  }
  return done ? absl::OkStatus() : quarantine_pending(id);
}

absl::Status blob_files::quarantine_pending(const digest& id) const {
  const bool room = has_room(folders_.quarantine);
  for (const auto form : forms) {
    const auto name = pending_name_of(id, form);
    const auto status = room ? folders_.pending.move(name, folders_.quarantine, name)
                             : folders_.pending.remove(name);
    if (!status.ok() && !absl::IsNotFound(status))
      return status;
  }
  return absl::OkStatus();
}

absl::Status blob_files::link_settled(const digest& id, int dirfd, const std::string& name) const {
  return folders_.blobs.link(path_of(id, stored_as::plain), dirfd, name);
}

absl::Status blob_files::link(const digest& id, int dirfd, const std::string& name) {
  auto status = link_settled(id, dirfd, name);
  if (absl::IsNotFound(status))
    status = folders_.pending.link(pending_name_of(id, stored_as::plain), dirfd, name);
  if (absl::IsNotFound(status))
    status = link_settled(id, dirfd, name);
  return status;
}

// ---- all of them -------------------------------------------------------------------------------

absl::Status blob_files::for_each(const visitor& visit) const {
  absl::Status first; // of a folder; the others are visited all the same
  first.Update(folders_.blobs.list([&](const std::string& function_name) {
    if (const auto function = parse_digest_function(function_name); function.ok())
      first.Update(for_each_of(*function, visit));
    return absl::OkStatus();
  }));
  return first;
}

absl::Status blob_files::for_each_of(digest_function function, const visitor& visit) const {
  const auto top = folders_.blobs.existing(to_string(function));
  if (!top.ok())
    return unless_foreign(top.status());
  absl::Status first;
  first.Update(top->list([&](const std::string& shard_name) {
    const auto shard = top->existing(shard_name);
    first.Update(shard.ok() ? shard->list([&](std::string_view name) {
      const auto form = take_form(name);
      const auto id = parse_file_name(name, function);
      return id && hex_byte(static_cast<unsigned char>(id->raw_hash().front())) == shard_name
                 ? visit(*id, form)
                 : absl::OkStatus();
    })
                            : unless_foreign(shard.status()));
    return absl::OkStatus();
  }));
  return first;
}

absl::Status
blob_files::for_each_pending(const std::function<absl::Status(const digest&)>& visit) const {
  return folders_.pending.list([&](const std::string& name) {
    const auto id = parse_pending(name);
    return id ? visit(*id) : absl::OkStatus();
  });
}

} // namespace expbuild
