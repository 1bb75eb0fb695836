#include "storage/disk/file_blobs.hpp"

#include <algorithm>
#include <map>

namespace expbuild {

namespace {

/// Pending bytes that make a sync due at once, and those above which a writer syncs its own file.
constexpr std::int64_t much = std::int64_t{64} << 20;
constexpr std::int64_t too_much = std::int64_t{256} << 20;
constexpr std::size_t too_many = 4096;
constexpr std::size_t settled_at_once = 64;

constexpr blob_place in_a_file{};

stored_as form_of(blob_place place) {
  return place.is_compressed() ? stored_as::frames : stored_as::plain;
}

/// As it is now; 0 when that can not be told.
std::uint32_t stamp_of_file(const disk_file& file) {
  const auto facts = file.facts();
  return facts.ok() ? stamp_of(*facts) : 0;
}

/// What lies there now is not the file of this stamp (0: that is not known), or can not be looked
/// at.
bool is_another(const absl::StatusOr<found_file>& there, std::uint32_t stamp) {
  if (!there.ok())
    return absl::IsUnavailable(there.status());
  const auto now = stamp_of_file(there->file);
  return stamp != 0 && now != 0 && now != stamp;
}

} // namespace

std::mutex& file_blobs::guard_of(const digest& id) {
  return name_guards_[static_cast<unsigned char>(id.raw_hash()[1]) % name_guards_.size()];
}

// ---- reading -----------------------------------------------------------------------------------

absl::StatusOr<blob_file> file_blobs::open(const digest& id, blob_place place) {
  return open_verified(id, place, false);
}

absl::Status file_blobs::scrub(const digest& id, blob_place place) {
  return open_verified(id, place, true).status();
}

std::optional<blob_place> file_blobs::look_for(const digest& id) {
  auto found = files_.open(id, stored_as::plain);
  if (!found.ok())
    return std::nullopt;
  const auto file = blob_file::open(*std::move(found), id);
  return file.ok() ? std::optional(file->place()) : std::nullopt;
}

absl::StatusOr<blob_file> file_blobs::open_verified(const digest& id, blob_place place,
                                                    bool always) {
  auto found = files_.open(id, form_of(place));
  if (absl::IsNotFound(found.status()))
    lose_absent(id, form_of(place), found.status());
  if (!found.ok())
    return found.status();
  const auto form = found->form;
  const auto stamp = stamp_of_file(found->file);
  auto file = verified(*std::move(found), id, always);
  const auto& status = file.status();
  if (!absl::IsDataLoss(status) && !absl::IsInternal(status))
    return file; // also when there are no descriptors, no memory: the blob is as it was
  lose_file(id, form, stamp, status);
  return absl::NotFoundError("blob " + id.to_string() + " was damaged and is in quarantine ("
                             + std::string(status.message()) + "); upload it again");
}

absl::StatusOr<blob_file> file_blobs::verified(found_file found, const digest& id, bool always) {
  auto file = blob_file::open(std::move(found), id);
  if (!file.ok() || (!always && index_.stamp(id) == file->stamp()))
    return file;
  if (auto status = file->check(); !status.ok())
    return status;
  index_.set_stamp(id, file->stamp());
  return file;
}

void file_blobs::lose(const digest& id, const blob_file& file, const absl::Status& why) {
  const auto now = stamp_of_file(file.file()); // who damaged it has changed that, too
  lose_file(id, file.form(), now == 0 ? file.stamp() : now, why);
}

/// Somebody else may have found that before, and a client have stored the blob again.
void file_blobs::lose_file(const digest& id, stored_as form, std::uint32_t stamp,
                           const absl::Status& why) {
  const std::lock_guard lock(guard_of(id));
  if (is_another(files_.open(id, form), stamp))
    return;
  const bool was_known = index_.remove(id, in_a_file).has_value();
  files_.quarantine(id).IgnoreError(); // it is not found any more in any case
  ++removals_;
  if (was_known && options_.events.lost)
    options_.events.lost(id, why);
}

/// It was not there, and may have been stored since.
void file_blobs::lose_absent(const digest& id, stored_as form, const absl::Status& why) {
  const std::lock_guard lock(guard_of(id));
  if (!index_.contains(id) || !absl::IsNotFound(files_.open(id, form).status()))
    return;
  ++removals_;
  if (index_.remove(id, in_a_file) && options_.events.lost)
    options_.events.lost(id, why);
}

/// The same blob may have its place for good from before: then that is the blob.
void file_blobs::give_up_pending(const digest& id, std::uint32_t stamp, const absl::Status& why) {
  const std::lock_guard lock(guard_of(id));
  if (is_another(files_.open_pending(id), stamp)) // written meanwhile, and waits for its own sync
    return;
  files_.quarantine_pending(id).IgnoreError(); // the next start does not trust it either
  ++removals_;
  if (files_.has_settled(id))
    return;
  if (index_.remove(id, in_a_file) && options_.events.lost)
    options_.events.lost(id, why);
}

// ---- writing -----------------------------------------------------------------------------------

/// The same blob, stored by somebody who wrote it in another form.
bool file_blobs::has_another_form(const digest& id, stored_as form) const {
  const auto place = index_.place(id);
  return place && place->in_a_file() && form_of(*place) != form;
}

/// What was about to go in another form goes now: nobody else would remove it.
absl::Status file_blobs::add(const digest& id, blob_place place, std::uint32_t stamp) {
  const auto before = index_.add(id, place, stamp);
  if (!before || !before->place.in_a_file() || form_of(before->place) == form_of(place))
    return absl::OkStatus();
  return files_.remove(id, form_of(before->place));
}

absl::Status file_blobs::publish(temporary_file file, const digest& id, stored_as form) {
  bool pending = options_.level == durability::grouped;
  bool at_once = false;
  if (pending) {
    const std::lock_guard lock(pending_guard_);
    pending = pending_bytes_ + id.size_bytes() <= too_much && pending_.size() < too_many
              && (options_.max_age.count() == 0 || !age_.is_above(options_.max_age));
    at_once = pending_bytes_ > much;
  }
  if (!pending)
    return publish_for_good(std::move(file), id, form);
  {
    const std::lock_guard lock(guard_of(id));
    if (has_another_form(id, form))
      return absl::OkStatus();
    const auto facts = file.file().facts();
    if (!facts.ok())
      return facts.status();
    if (auto status = files_.publish_pending(std::move(file), id, form); !status.ok())
      return status;
    add(id, place_in_file(form, facts->st_size), stamp_of(*facts)).IgnoreError(); // it is stored
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

absl::Status file_blobs::publish_for_good(temporary_file file, const digest& id, stored_as form) {
  const bool sync = options_.level != durability::none;
  if (sync)
    if (auto status = file.file().sync(); !status.ok())
      return status;
  const std::lock_guard lock(guard_of(id));
  if (has_another_form(id, form))
    return absl::OkStatus();
  const auto facts = file.file().facts();
  if (!facts.ok())
    return facts.status();
  if (auto status = files_.publish(std::move(file), id, form); !status.ok())
    return status;
  if (sync)
    if (auto status = files_.sync_names(id); !status.ok())
      return status;
  add(id, place_in_file(form, facts->st_size), stamp_of(*facts)).IgnoreError(); // it is stored
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
  std::vector<absl::StatusOr<found_file>> files;
  for (const auto& id : ids)
    if (files.push_back(files_.open_pending(id)); files.back().ok())
      files.back()->file.begin_sync();
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
absl::StatusOr<bool> file_blobs::settle_one(const digest& id, absl::StatusOr<found_file> found) {
  if (absl::IsNotFound(found.status()))
    return false;
  if (!found.ok()) // no descriptors
    return stays_pending(id, found.status());
  const auto stamp = stamp_of_file(found->file);
  const auto file = verified(*std::move(found), id, false); // one found at start
  auto status = file.ok() ? file->file().sync() : file.status();
  if (!status.ok()) {
    give_up_pending(id, stamp, status);
    return status;
  }
  const std::lock_guard lock(guard_of(id));
  const auto there = files_.open_pending(id);
  if (absl::IsUnavailable(there.status())) // no descriptors
    return stays_pending(id, there.status());
  if (is_another(there, stamp)) // its writer has put it into the next round
    return false;
  status = files_.settle(id, file->form());
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
  return files_.for_each_pending([this, before = removals()](const digest& id) {
    auto found = files_.open_pending(id);
    if (absl::IsNotFound(found.status())) // somebody stored it again, and it got its place
      return absl::OkStatus();
    const auto stamp = found.ok() ? stamp_of_file(found->file) : 0;
    const auto file = found.ok() ? verified(*std::move(found), id, true) : found.status();
    if (absl::IsUnavailable(file.status())) // no descriptors, no memory: the next start looks again
      return file.status();
    if (!file.ok()) {
      give_up_pending(id, stamp, file.status());
      return absl::OkStatus();
    }
    add_found(id, file->place(), file->stamp(), before);
    const std::lock_guard lock(pending_guard_);
    pending_.push_back(id);
    return absl::OkStatus();
  });
}

/// None: it can not be whole, and the next write of it takes its place. What a compressed file
/// takes of the disk only the disk knows. Errors say nothing about the blob.
absl::StatusOr<std::optional<blob_place>> file_blobs::place_at_start(const digest& id,
                                                                     stored_as form, bool looks) {
  if (form == stored_as::plain && !looks)
    return in_a_file;
  auto found = files_.open(id, form);
  if (absl::IsNotFound(found.status()) || (found.ok() && found->form != form))
    return std::nullopt;
  if (!found.ok())
    return found.status();
  if (looks) {
    const auto file = blob_file::open(*std::move(found), id);
    if (absl::IsDataLoss(file.status()))
      return std::nullopt;
    return file.ok() ? absl::StatusOr<std::optional<blob_place>>(file->place()) : file.status();
  }
  const auto facts = found->file.facts();
  if (!facts.ok())
    return facts.status();
  return place_in_file(form, facts->st_size);
}

absl::Status file_blobs::load(bool look_at_them) {
  absl::Status first; // the others are looked at all the same
  first.Update(files_.for_each([&, before = removals()](const digest& id, stored_as form) {
    const auto place = place_at_start(id, form, look_at_them);
    first.Update(place.status());
    if (place.ok() && *place && !add_found(id, **place, 0, before))
      drop_twin(id, form);
    return absl::OkStatus();
  }));
  return first;
}

bool file_blobs::add_found(const digest& id, blob_place place, std::uint32_t stamp,
                           std::uint64_t removals) {
  const std::lock_guard lock(guard_of(id));
  if (removals != removals_) {
    const auto file = files_.open(id, form_of(place));
    if (!file.ok() || file->form != form_of(place))
      return false;
  }
  return index_.add_found(id, place, stamp);
}

/// One form is enough, once it is there for good.
void file_blobs::drop_twin(const digest& id, stored_as form) {
  const std::lock_guard lock(guard_of(id));
  const auto place = index_.place(id);
  if (place && place->in_a_file() && form_of(*place) != form
      && files_.has_settled(id, form_of(*place)))
    files_.remove(id, form).IgnoreError(); // the next start tries again
}

// ---- removing ----------------------------------------------------------------------------------

absl::Status file_blobs::evict(const blob_index::victim& victim) {
  const std::lock_guard lock(guard_of(victim.id));
  if (!index_.is_doomed(victim.id))
    return absl::OkStatus();
  auto status = files_.remove(victim.id);
  index_.remove(victim.id, in_a_file);
  ++removals_;
  return status;
}

absl::Status file_blobs::remove(const digest& id) {
  const std::lock_guard lock(guard_of(id));
  index_.remove(id, in_a_file);
  auto status = files_.remove(id);
  ++removals_;
  return status;
}

} // namespace expbuild
