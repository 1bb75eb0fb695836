#include "storage/disk/segment_log.hpp"

#include "storage/disk/segment_move.hpp"

#include <algorithm>

namespace expbuild {

namespace {

/// More than this is not left unsynced: whoever appends then waits for the disk.
constexpr std::int64_t max_unsynced_bytes = std::int64_t{64} << 20;
constexpr std::size_t max_failures = 64;

} // namespace

absl::StatusOr<std::unique_ptr<segment_log>> segment_log::open(disk_folder folder,
                                                               segment_log_options options) {
  std::unique_ptr<segment_log> log(new segment_log(std::move(folder), std::move(options)));
  if (auto status = log->find_segments(); !status.ok())
    return status;
  return log;
}

absl::Status segment_log::find_segments() {
  std::vector<std::string> left;
  auto status = folder_.list([&](const std::string& name) {
    if (name.size() > 4 && name.substr(name.size() - 4) == ".new")
      left.push_back(name);
    const auto number = segment_file::number_of(name);
    if (number == 0)
      return absl::OkStatus();
    auto file = segment_file::open(folder_, number);
    if (!file.ok())
      return file.status();
    table_.add_found(*std::move(file));
    last_number_ = std::max(last_number_, number);
    return absl::OkStatus();
  });
  for (const auto& name : left)
    status.Update(folder_.remove(name));
  return status;
}

// ---- appending and reading ---------------------------------------------------------------------

/// The active segment, or a new one when that would become too large.
absl::StatusOr<std::shared_ptr<segment_file>> segment_log::writable(std::int64_t bytes) {
  if (auto file = table_.find(active_); file && file->size() + bytes <= options_.segment_bytes)
    return file;
  auto file = segment_file::create(folder_, last_number_ + 1);
  if (!file.ok())
    return file.status();
  active_ = ++last_number_;
  new_segment_ = true;
  table_.add(*file);
  return *file;
}

absl::StatusOr<std::vector<blob_place>>
segment_log::append(std::span<const segment_record> records) {
  std::string bytes;
  std::vector<blob_place> places;
  if (records.empty())
    return places;
  for (const auto& x : records) {
    places.push_back({0, static_cast<std::uint32_t>(bytes.size())});
    append_record(bytes, x);
  }
  bool must_wait = false;
  {
    const std::lock_guard appending(append_guard_);
    const auto size = static_cast<std::int64_t>(bytes.size());
    const auto file = writable(size);
    if (!file.ok())
      return file.status();
    const auto start = static_cast<std::uint32_t>((*file)->size());
    if (auto status = (*file)->append(bytes); !status.ok())
      return status;
    for (auto& place : places)
      place = {(*file)->number(), start + place.offset};
    note_appended(records, places, size);
    must_wait = unsynced_bytes_ > max_unsynced_bytes
                || (options_.max_age.count() > 0 && age_.is_above(options_.max_age));
  }
  if (must_wait)
    if (auto status = sync(); !status.ok())
      return status;
  return places;
}

void segment_log::note_appended(std::span<const segment_record> records,
                                const std::vector<blob_place>& places, std::int64_t size) {
  ++appends_;
  if (options_.sync) {
    unsynced_bytes_ += size;
    age_.added();
    for (std::size_t i = 0; i < records.size(); ++i)
      if (records[i].kind == record_kind::bytes)
        unsynced_.records.emplace_back(records[i].key, places[i]);
  }
  const auto number = places.front().segment;
  table_.wanted(number, size);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& x = records[i];
    blob_place removed;
    if (x.kind == record_kind::removed)
      removed = decode_place(x.payload).value_or(blob_place{});
    table_.listed(
        number,
        {{x.kind, x.key, static_cast<std::uint32_t>(x.payload.size())}, places[i].offset, removed});
  }
}

absl::StatusOr<std::string> segment_log::read(blob_place place, const digest& key,
                                              std::int64_t payload) const {
  const auto file = table_.find(place.segment);
  if (!file)
    return absl::NotFoundError("the segment of " + key.to_string() + " has been removed");
  return file->read(place.offset, key, payload);
}

void segment_log::wasted(blob_place place, const digest& key, std::int64_t payload) {
  table_.wanted(place.segment, -record_size(key.function(), payload));
}

// ---- syncing -----------------------------------------------------------------------------------

segment_log::unsynced segment_log::take_unsynced() {
  const std::lock_guard appending(append_guard_);
  auto what = std::exchange(unsynced_, {});
  unsynced_bytes_ = 0;
  age_.sync_begins();
  what.up_to = appends_;
  what.active = active_;
  what.new_segment = std::exchange(new_segment_, false);
  what.segments = table_.unfinished();
  return what;
}

absl::Status segment_log::sync() {
  std::uint64_t wanted = 0;
  {
    const std::lock_guard appending(append_guard_);
    wanted = appends_;
  }
  std::unique_lock lock(sync_guard_);
  while (synced_ < wanted) {
    if (syncing_) {
      synced_change_.wait(lock);
      continue;
    }
    syncing_ = true;
    lock.unlock();
    auto what = take_unsynced();
    auto up_to = what.up_to;
    const auto status = sync_all(what);
    age_.sync_ended();
    if (!status.ok())
      up_to = give_up(std::move(what));
    lock.lock();
    if (!status.ok())
      failures_.push_back({synced_ + 1, up_to, status});
    if (failures_.size() > max_failures)
      failures_.pop_front();
    syncing_ = false;
    synced_ = std::max(synced_, up_to);
    synced_change_.notify_all();
  }
  for (const auto& x : failures_)
    if (x.from <= wanted && wanted <= x.up_to)
      return x.status;
  return absl::OkStatus();
}

absl::Status segment_log::close() {
  auto status = sync();
  std::uint32_t last = 0;
  {
    const std::lock_guard appending(append_guard_);
    last = std::exchange(active_, 0);
  }
  if (status.ok() && last != 0)
    finish_segment(last);
  return status;
}

absl::Status segment_log::sync_all(const unsynced& what) {
  if (options_.sync) {
    for (const auto& [number, size] : what.segments) {
      const auto file = table_.find(number);
      if (auto status = file->sync(); !status.ok())
        return status;
      table_.synced(number, size);
    }
    if (what.new_segment)
      if (auto status = folder_.sync(); !status.ok())
        return status;
  }
  for (const auto& [number, size] : what.segments)
    if (number != what.active)
      finish_segment(number);
  return absl::OkStatus();
}

/// Writes the list of a segment that is appended to no more. Without a list the next start takes
/// longer, so that is no trouble: it is tried again at the next sync.
void segment_log::finish_segment(std::uint32_t number) {
  auto list = table_.take_list(number);
  const bool saved = list.save(folder_, number, options_.sync).ok();
  table_.finished(number, saved, std::move(list));
}

/// What could not be synced is cut off, with what came after it; the log goes on in a new segment.
/// Answers up to which append all is lost.
std::uint64_t segment_log::give_up(unsynced what) {
  std::uint64_t up_to = 0;
  {
    const std::lock_guard appending(append_guard_);
    up_to = appends_;
    what.records.insert(what.records.end(), unsynced_.records.begin(), unsynced_.records.end());
    unsynced_ = {};
    unsynced_bytes_ = 0;
    active_ = 0;
    table_.give_up_unsynced();
    ++failure_count_;
  }
  if (options_.lost)
    options_.lost(what.records);
  return up_to;
}

// ---- room --------------------------------------------------------------------------------------

absl::Status segment_log::for_each_item(std::uint32_t number,
                                        const segment_list::visitor& visit) const {
  absl::Status visited;
  auto status = segment_list::load(folder_, number,
                                   [&](const segment_list::item& x) { return visited = visit(x); });
  if (status.ok() || !visited.ok() || absl::IsUnavailable(status)) // no descriptors: later
    return status;
  const auto file = table_.find(number);
  return file
      ->scan([&](const record_header& header, std::uint32_t offset, std::string_view payload) {
        return visit({header, offset,
                      header.kind == record_kind::removed
                          ? decode_place(payload).value_or(blob_place{})
                          : blob_place{}});
      })
      .status();
}

absl::Status segment_log::compact(std::uint32_t number, const mover& with) {
  const auto file = table_.find(number);
  if (!file)
    return absl::OkStatus();
  with.close_gate(); // what nobody wants from here on, nobody will
  segment_move move(*this, with);
  auto status = for_each_item(number, [&](const segment_list::item& item) {
    const blob_place from{number, item.offset};
    if (item.header.kind == record_kind::removed)
      return table_.find(item.removed.segment) && item.removed.segment != number
                 ? move.add(item.header.key, record_kind::removed, from, encode_place(item.removed))
                 : absl::OkStatus();
    if (!with.is_wanted(item.header.key, from))
      return absl::OkStatus();
    auto payload = file->read(item.offset, item.header.key, item.header.payload);
    if (!payload.ok()) {
      with.unreadable(item.header.key, from, payload.status());
      return absl::OkStatus();
    }
    return move.add(item.header.key, record_kind::bytes, from, *std::move(payload));
  });
  if (status.ok())
    status = move.flush();
  return status.ok() ? remove_segment(number) : status;
}

absl::Status segment_log::remove_segment(std::uint32_t number) {
  table_.remove(number);
  auto status = folder_.remove(segment_list::name_of(number));
  status.Update(folder_.remove(segment_file::name_of(number)));
  return status;
}

} // namespace expbuild
