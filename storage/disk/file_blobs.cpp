#include "storage/disk/file_blobs.hpp"

#include "storage/hasher.hpp"

#include <algorithm>
#include <map>

namespace expbuild {

namespace {

/// Pending bytes that make a sync due at once, and those above which a writer syncs its own file.
constexpr std::int64_t much = std::int64_t{64} << 20;
constexpr std::int64_t too_much = std::int64_t{256} << 20;
constexpr std::size_t too_many = 4096;
constexpr std::size_t settled_at_once = 64;

constexpr std::size_t hash_size = std::size_t{256} << 10;

constexpr blob_place in_a_file{};

} // namespace

std::mutex& file_blobs::guard_of(const digest& id) {
  return name_guards_[static_cast<unsigned char>(id.raw_hash()[1]) % name_guards_.size()];
}

// ---- reading -----------------------------------------------------------------------------------

absl::StatusOr<disk_file> file_blobs::open(const digest& id) {
  return open_verified(id, false);
}

absl::Status file_blobs::scrub(const digest& id) {
  return open_verified(id, true).status();
}

absl::StatusOr<disk_file> file_blobs::open_verified(const digest& id, bool always) {
  auto file = files_.open(id);
  if (absl::IsNotFound(file.status()))
    lose(id, file.status());
  if (!file.ok())
    return file.status();
  const auto facts = file->facts();
  if (!facts.ok())
    return facts.status();
  if (auto status = verify(*file, id, *facts, always); !status.ok()) {
    if (!absl::IsDataLoss(status) && !absl::IsInternal(status))
      return status; // no descriptors, no memory: the blob is as it was
    lose(id, status);
    return absl::NotFoundError("blob " + id.to_string() + " was damaged and is in quarantine ("
                               + std::string(status.message()) + "); upload it again");
  }
  return file;
}

absl::Status file_blobs::verify(const disk_file& file, const digest& id, const struct stat& facts,
                                bool always) {
  if (facts.st_size != id.size_bytes())
    return absl::DataLossError("it has " + std::to_string(facts.st_size) + " bytes");
  const auto stamp = stamp_of(facts);
  if (!always && index_.stamp(id) == stamp)
    return absl::OkStatus();
  hasher hash(id.function());
  std::string buffer(hash_size, '\0');
  for (std::int64_t offset = 0; offset < id.size_bytes();) {
    const auto n = file.read_at(offset, buffer);
    if (!n.ok())
      return n.status();
    if (*n == 0)
      break;
    hash.update(std::string_view(buffer).substr(0, *n));
    offset += static_cast<std::int64_t>(*n);
  }
  if (!(hash.finish() == id))
    return absl::DataLossError("its bytes are not those of its digest");
  index_.set_stamp(id, stamp);
  return absl::OkStatus();
}

void file_blobs::lose(const digest& id, const absl::Status& why) {
  const std::lock_guard lock(guard_of(id));
  const bool was_known = index_.remove(id, in_a_file).has_value();
  if (!absl::IsNotFound(why))
    files_.quarantine(id).IgnoreError(); // it is not found any more in any case
  if (was_known && options_.events.lost)
    options_.events.lost(id, why);
}

/// The same blob may have its place for good from before: then that is the blob.
void file_blobs::give_up_pending(const digest& id, const absl::Status& why) {
  const std::lock_guard lock(guard_of(id));
  files_.quarantine_pending(id).IgnoreError(); // the next start does not trust it either
  if (files_.has_settled(id))
    return;
  if (index_.remove(id, in_a_file) && options_.events.lost)
    options_.events.lost(id, why);
}

// ---- writing -----------------------------------------------------------------------------------

absl::Status file_blobs::publish(temporary_file file, const digest& id) {
  bool pending = options_.level == durability::grouped;
  bool at_once = false;
  if (pending) {
    const std::lock_guard lock(pending_guard_);
    pending = pending_bytes_ + id.size_bytes() <= too_much && pending_.size() < too_many
              && (options_.max_age.count() == 0 || !age_.is_above(options_.max_age));
    at_once = pending_bytes_ > much;
  }
  if (!pending)
    return publish_for_good(std::move(file), id);
  {
    const std::lock_guard lock(guard_of(id));
    const auto facts = file.file().facts();
    if (!facts.ok())
      return facts.status();
    if (auto status = files_.publish_pending(std::move(file), id); !status.ok())
      return status;
    index_.add(id, in_a_file, stamp_of(*facts));
  }
  {
    const std::lock_guard lock(pending_guard_);
    pending_.push_back(id);
    pending_bytes_ += id.size_bytes();
    age_.added();
  }
  options_.sync_due(at_once);
  return absl::OkStatus();
}

absl::Status file_blobs::publish_for_good(temporary_file file, const digest& id) {
  const bool sync = options_.level != durability::none;
  if (sync)
    if (auto status = file.file().sync(); !status.ok())
      return status;
  const std::lock_guard lock(guard_of(id));
  const auto facts = file.file().facts();
  if (!facts.ok())
    return facts.status();
  if (auto status = files_.publish(std::move(file), id); !status.ok())
    return status;
  if (sync)
    if (auto status = files_.sync_names(id); !status.ok())
      return status;
  index_.add(id, in_a_file, stamp_of(*facts));
  return absl::OkStatus();
}

absl::Status file_blobs::settle() {
  std::vector<digest> pending;
  {
    const std::lock_guard lock(pending_guard_);
    pending = std::exchange(pending_, {});
    pending_bytes_ = 0;
    age_.sync_begins();
  }
  absl::Status first;
  std::map<std::pair<digest_function, char>, digest> folders;
  for (std::span<const digest> rest(pending); !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), settled_at_once));
    rest = rest.subspan(some.size());
    for (const auto& id : settle_some(some, first))
      folders.emplace(std::pair(id.function(), id.raw_hash().front()), id);
  }
  for (const auto& [shard, id] : folders)
    first.Update(files_.sync_names(id));
  if (!first.ok()) // at least where they are they survive
    first.Update(files_.sync_pending_names());
  age_.sync_ended();
  return first;
}

/// The disk has all of them to write at the same time. Answers those that got their place.
std::vector<digest> file_blobs::settle_some(std::span<const digest> ids, absl::Status& first) {
  std::vector<absl::StatusOr<disk_file>> files;
  for (const auto& id : ids)
    if (files.push_back(files_.open_pending(id)); files.back().ok())
      files.back()->begin_sync();
  std::vector<digest> settled;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto moved = settle_one(ids[i], std::move(files[i]));
    if (moved.ok() && *moved)
      settled.push_back(ids[i]);
    first.Update(moved.status());
  }
  return settled;
}

/// False: it was removed meanwhile, or is there for good already.
absl::StatusOr<bool> file_blobs::settle_one(const digest& id, absl::StatusOr<disk_file> file) {
  if (absl::IsNotFound(file.status()))
    return false;
  if (!file.ok()) // no descriptors
    return stays_pending(id, file.status());
  const auto facts = file->facts();
  auto status =
      facts.ok() ? verify(*file, id, *facts, false) : facts.status(); // one found at start
  if (status.ok())
    status = file->sync();
  if (!status.ok()) {
    give_up_pending(id, status);
    return status;
  }
  const std::lock_guard lock(guard_of(id));
  status = files_.settle(id);
  if (status.ok() || absl::IsNotFound(status))
    return status.ok();
  return stays_pending(id, status); // no room for a folder
}

/// The next round tries again.
absl::Status file_blobs::stays_pending(const digest& id, const absl::Status& why) {
  const std::lock_guard lock(pending_guard_);
  pending_.push_back(id);
  return why;
}

// ---- at start ----------------------------------------------------------------------------------

/// A power cut may have left a name without its bytes.
absl::Status file_blobs::load_pending() {
  return files_.for_each_pending([this](const digest& id) {
    const auto file = files_.open_pending(id);
    if (absl::IsNotFound(file.status())) // somebody stored it again, and it got its place
      return absl::OkStatus();
    const auto facts = file.ok() ? file->facts() : file.status();
    const auto status = facts.ok() ? verify(*file, id, *facts, true) : facts.status();
    if (absl::IsUnavailable(status)) // no descriptors, no memory: the next start looks again
      return status;
    if (!status.ok()) {
      give_up_pending(id, status);
      return absl::OkStatus();
    }
    index_.add_found(id, in_a_file, stamp_of(*facts));
    const std::lock_guard lock(pending_guard_);
    pending_.push_back(id);
    return absl::OkStatus();
  });
}

bool file_blobs::has_its_size(const digest& id) {
  const auto file = files_.open(id);
  if (!file.ok())
    return false;
  const auto facts = file->facts();
  return facts.ok() && facts->st_size == id.size_bytes();
}

absl::Status file_blobs::load(bool look_at_them) {
  return files_.for_each([this, look_at_them](const digest& id) {
    if (!look_at_them || has_its_size(id)) // else the next write of it takes its place
      index_.add_found(id, in_a_file, 0);
    return absl::OkStatus();
  });
}

// ---- removing ----------------------------------------------------------------------------------

absl::Status file_blobs::evict(const blob_index::victim& victim) {
  const std::lock_guard lock(guard_of(victim.id));
  if (!index_.is_doomed(victim.id))
    return absl::OkStatus();
  auto status = files_.remove(victim.id);
  index_.remove(victim.id, in_a_file);
  return status;
}

absl::Status file_blobs::remove(const digest& id) {
  const std::lock_guard lock(guard_of(id));
  index_.remove(id, in_a_file);
  return files_.remove(id);
}

} // namespace expbuild
