#include "storage/disk/disk_store.hpp"

#include "storage/digest_check.hpp"
#include "storage/disk/disk_readers.hpp"
#include "storage/disk/scrubber.hpp"

#include <algorithm>
#include <limits>

namespace expbuild {

namespace {

/// What makes reading names fail (no descriptors, no memory) may pass.
constexpr std::chrono::seconds pause_after_failure{2};

std::int64_t segment_bytes_for(std::int64_t max_bytes) {
  return std::clamp<std::int64_t>(max_bytes / 256, std::int64_t{1} << 20, std::int64_t{64} << 20);
}

absl::Status not_here(const digest& id) {
  return absl::NotFoundError("blob " + id.to_string() + " is not stored here");
}

} // namespace

absl::StatusOr<std::shared_ptr<backend>>
make_filesystem_backend(filesystem_backend_options options) {
  return disk_store::open(std::move(options));
}

absl::StatusOr<std::shared_ptr<disk_store>> disk_store::open(filesystem_backend_options options) {
  if (!options.calls)
    options.calls = real_disk();
  auto root = disk_folder::open_root(options.calls, options.root.string());
  if (!root.ok())
    return root.status();
  auto folders = store_folders::open(*std::move(root));
  if (!folders.ok())
    return folders.status();
  std::shared_ptr<disk_store> store(new disk_store(std::move(options), *std::move(folders)));
  if (auto status = store->open_parts(); !status.ok())
    return status;
  return store;
}

disk_store::disk_store(filesystem_backend_options options, store_folders folders)
    : options_(std::move(options)), folders_(std::move(folders)), links_(folders_),
      index_({.max_bytes = options_.max_bytes,
              .usual_promise = options_.usual_promise,
              .grace = std::min<store_seconds>(60, options_.usual_promise),
              .clock = options_.clock}),
      promises_(folders_.promises), marker_(folders_.root) {}

absl::Status disk_store::open_parts() {
  const auto before = marker_.begin(options_.level);
  if (!before.ok())
    return before.status();
  before_ = *before;
  if (!before_.ended_well)
    notice(std::string("the last server on this store was killed, or its machine went down")
           + (before_.may_have_torn() ? "; nothing was synced, so everything is looked at" : ""));
  const auto max_age = options_.background ? longest_wait : std::chrono::milliseconds(0);
  files_ = std::make_unique<file_blobs>(
      index_, folders_,
      file_blobs::options{
          .level = options_.level,
          .events = options_.events,
          .sync_due = [this](bool at_once) { at_once ? committer_->hurry() : committer_->ask(); },
          .max_age = max_age});
  auto packed =
      packed_entries::open(index_, {.folder = folders_.segments,
                                    .level = options_.level,
                                    .segment_bytes = segment_bytes_for(options_.max_bytes),
                                    .max_age = max_age,
                                    .whole = is_whole,
                                    .events = options_.events});
  if (!packed.ok())
    return packed.status();
  packed_ = *std::move(packed);
  committer_ = std::make_unique<committer>(options_.background ? group_interval
                                                               : std::chrono::milliseconds(0),
                                           [this] { trouble(flush()); });
  upkeep_.start(options_.background ? "store-upkeep" : nullptr, [this] { load(); });
  return absl::OkStatus();
}

disk_store::~disk_store() {
  upkeep_.stop();
  committer_ = nullptr;
  if (!options_.background || !packed_)
    return;
  trouble(flush());
  trouble(packed_->close());
  trouble(marker_.end());
}

void disk_store::trouble(const absl::Status& why) const {
  if (!why.ok() && options_.events.trouble)
    options_.events.trouble(why);
}

void disk_store::notice(const std::string& what) const {
  if (options_.events.notice)
    options_.events.notice(what);
}

// ---- reading -----------------------------------------------------------------------------------

absl::StatusOr<std::shared_ptr<blob_reader>> disk_store::open(const digest& id) {
  if (id.is_empty_blob())
    return make_empty_reader(id);
  if (!index_.contains(id) && !is_index_complete())
    upkeep_.wait_for(stage::segments_known);
  const auto place = index_.find(id);
  if (!place && is_index_complete())
    return not_here(id);
  if (place && !place->in_a_file())
    return open_packed(id);
  return open_file(id, place.value_or(blob_place{}));
}

absl::StatusOr<std::shared_ptr<blob_reader>> disk_store::open_packed(const digest& id) {
  auto bytes = packed_->read(id);
  if (absl::IsNotFound(bytes.status()))
    return not_here(id);
  if (!bytes.ok())
    return bytes.status();
  return make_packed_reader(id, *std::move(bytes), shared_from_this());
}

absl::StatusOr<std::shared_ptr<blob_reader>> disk_store::open_file(const digest& id,
                                                                   blob_place place) {
  const auto removals = files_->removals();
  auto file = files_->open(id, place);
  if (!file.ok())
    return file.status();
  if (!is_index_complete())
    files_->add_found(id, file->place(), file->stamp(), removals);
  return make_file_reader(id, *std::move(file), shared_from_this());
}

bool disk_store::contains(const digest& id) {
  if (index_.contains(id))
    return true;
  if (is_index_complete())
    return false;
  upkeep_.wait_for(stage::segments_known);
  if (index_.contains(id))
    return true;
  const auto removals = files_->removals();
  const auto place = files_->look_for(id);
  if (place)
    files_->add_found(id, *place, 0, removals);
  return place.has_value();
}

absl::Status disk_store::link_file(const digest& id, const blob_file& file, bool executable,
                                   int dirfd, const std::string& name) {
  if (!executable && file.form() == stored_as::plain)
    return files_->link(id, dirfd, name);
  return links_.link(id, executable, dirfd, name,
                     [&file](const disk_file& to) { return file.copy_to(to); });
}

absl::Status disk_store::link_bytes(const digest& id, std::string_view bytes, bool executable,
                                    int dirfd, const std::string& name) {
  return links_.link(id, executable, dirfd, name,
                     [bytes](const disk_file& to) { return to.write_at(0, bytes); });
}

// ---- writing -----------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<blob_writer>> disk_store::begin_write(const digest& id) {
  if (id.is_empty_blob())
    return make_empty_writer(id);
  if (is_packed(id))
    return make_packed_writer(id, shared_from_this());
  if (auto status = gate_.admit(); !status.ok())
    return status;
  auto file = files_->make_temporary();
  if (!file.ok())
    return gate_.ended(file.status());
  return make_file_writer(id, *std::move(file), shared_from_this());
}

absl::Status disk_store::publish(temporary_file file, const digest& id, stored_as form) {
  return gate_.ended(files_->publish(std::move(file), id, form));
}

absl::Status disk_store::publish_packed(std::span<const named_bytes> verified) {
  if (auto status = gate_.admit(); !status.ok())
    return status;
  auto status = gate_.ended(packed_->store(verified));
  if (status.ok())
    committer_->ask();
  return status;
}

std::vector<absl::Status> disk_store::write_all(std::span<const named_bytes> blobs) {
  std::vector<absl::Status> answers(blobs.size());
  std::vector<named_bytes> small;
  std::vector<std::size_t> where;
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    const auto& x = blobs[i];
    if (!is_packed(x.id)) {
      answers[i] = backend::write_all({&x, 1}).front();
    } else if (answers[i] = check_sent(x.id, x.bytes); answers[i].ok() && !x.id.is_empty_blob()) {
      small.push_back(x);
      where.push_back(i);
    }
  }
  if (small.empty())
    return answers;
  const auto status = publish_packed(small);
  for (const auto i : where)
    answers[i] = status;
  return answers;
}

absl::Status disk_store::flush() {
  const std::lock_guard lock(round_guard_);
  auto status = files_->settle();
  status.Update(packed_->sync());
  if (!status.ok()) // that there was nothing to do says nothing about the disk
    status = gate_.ended(status);
  if (is_index_complete())
    status.Update(promises_.save(index_));
  return status;
}

// ---- removing ----------------------------------------------------------------------------------

absl::Status disk_store::remove(const digest& id) {
  const auto victim = index_.doom(id);
  return victim ? evict({&*victim, 1}) : files_->remove(id);
}

absl::Status disk_store::evict(std::span<const blob_index::victim> victims) {
  absl::Status status;
  for (const auto& x : victims) {
    status.Update(links_.remove(x.id));
    if (x.place.in_a_file())
      status.Update(files_->evict(x));
  }
  status.Update(packed_->evict(victims));
  status.Update(
      packed_->give_back_waste([this] { return !upkeep_.is_stopping(); }, options_.max_bytes / 10));
  return status;
}

store_usage disk_store::usage() {
  store_usage x;
  x.bytes = index_.stats().file_bytes + packed_->bytes() + links_.bytes();
  const auto disk = folders_.root.filesystem();
  if (!disk.ok())
    return x;
  x.free_bytes = static_cast<std::int64_t>(disk->f_bavail * disk->f_frsize);
  x.free_files = disk->f_files == 0 ? std::numeric_limits<std::int64_t>::max()
                                    : static_cast<std::int64_t>(disk->f_favail);
  return x;
}

// ---- at start ----------------------------------------------------------------------------------

void disk_store::load() {
  const bool careful = before_.may_have_torn();
  const auto pause = options_.background ? pause_after_failure : std::chrono::milliseconds(0);
  auto files = upkeep_.insist([this] { return files_->load_pending(); }, pause);
  const auto packed = packed_->load(!careful); // which tells what it could not read
  upkeep_.reached(stage::segments_known);
  if (!upkeep_.is_stopping())
    files.Update(upkeep_.insist([=, this] { return files_->load(careful); }, pause));
  if (upkeep_.is_stopping()) // the next process finds it all as this one did
    return;
  trouble(files);
  const bool all_seen = files.ok() && packed.ok();
  if (!all_seen)
    notice("not all that the store holds could be read; what was not seen counts as missing until "
           "the next start, which looks again");
  trouble(upkeep_.insist([=, this] { return promises_.load(index_, all_seen); }, pause));
  upkeep_.reached(stage::all_known);
  if (options_.background)
    committer_->ask(); // what was pending
  trouble(folders_.empty_trash([this] { return !upkeep_.is_stopping(); }));
  if (options_.background && options_.scrubbed_a_second > 0)
    scrub();
}

void disk_store::scrub() {
  const scrubber slowly(
      {.bytes_a_second = options_.scrubbed_a_second,
       .check = [this](const digest& id, blob_place place) { return check_again(id, place); },
       .wait = [this](std::chrono::milliseconds time) { return upkeep_.rest(time); },
       .trouble = [this](const absl::Status& why) { trouble(why); },
       .notice = [this](const std::string& what) { notice(what); }});
  slowly.run(index_);
}

/// What is damaged or gone has told so itself.
absl::Status disk_store::check_again(const digest& id, blob_place place) {
  auto status = place.in_a_file() ? files_->scrub(id, place) : packed_->check(id, place);
  return absl::IsNotFound(status) || absl::IsDataLoss(status) ? absl::OkStatus() : status;
}

absl::Status disk_store::for_each(const std::function<void(const digest&)>& visit) {
  upkeep_.wait_for(stage::all_known);
  return backend::for_each(visit);
}

} // namespace expbuild
