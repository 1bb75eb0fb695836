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
    if (const auto number = segment_file::number_of(name); number != 0)
      segments_[number].known = false;
    else if (name.size() > 4 && name.substr(name.size() - 4) == ".new")
      left.push_back(name);
    return absl::OkStatus();
  });
  for (const auto& name : left)
    status.Update(folder_.remove(name));
  for (auto& [number, each] : segments_) {
    auto file = segment_file::open(folder_, number);
    if (!file.ok())
      return file.status();
    each.file = *std::move(file);
    each.synced = each.file->size();
    each.full = true;
    last_number_ = found_up_to_ = number;
  }
  return status;
}

std::shared_ptr<segment_file> segment_log::file_of(std::uint32_t number) const {
  const std::lock_guard lock(guard_);
  const auto found = segments_.find(number);
  return found == segments_.end() ? nullptr : found->second.file;
}

// ---- appending and reading ---------------------------------------------------------------------

/// The active segment, or a new one when that would become too large.
absl::StatusOr<std::shared_ptr<segment_file>> segment_log::writable(std::int64_t bytes) {
  if (auto file = file_of(active_); file && file->size() + bytes <= options_.segment_bytes)
    return file;
  auto file = segment_file::create(folder_, last_number_ + 1);
  if (!file.ok())
    return file.status();
  active_ = ++last_number_;
  new_segment_ = true;
  const std::lock_guard lock(guard_);
  segments_[active_].file = *file;
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
    must_wait = unsynced_bytes_ > max_unsynced_bytes;
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
    for (std::size_t i = 0; i < records.size(); ++i)
      if (records[i].kind == record_kind::bytes)
        unsynced_.records.emplace_back(records[i].key, places[i]);
  }
  const std::lock_guard lock(guard_);
  auto& into = segments_[places.front().segment];
  into.wanted += size;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& x = records[i];
    blob_place removed;
    if (x.kind == record_kind::removed)
      removed = decode_place(x.payload).value_or(blob_place{});
    into.list.add({x.kind, x.key, static_cast<std::uint32_t>(x.payload.size())},
                     places[i].offset, removed);
  }
}

absl::StatusOr<std::string> segment_log::read(blob_place place, const digest& key,
                                              std::int64_t payload) const {
  const auto file = file_of(place.segment);
  if (!file)
    return absl::NotFoundError("the segment of " + key.to_string() + " has been removed");
  return file->read(place.offset, key, payload);
}

void segment_log::wasted(blob_place place, const digest& key, std::int64_t payload) {
  const std::lock_guard lock(guard_);
  if (const auto found = segments_.find(place.segment); found != segments_.end())
    found->second.wanted -= record_size(key.function(), payload);
}

// ---- syncing -----------------------------------------------------------------------------------

segment_log::unsynced segment_log::take_unsynced() {
  const std::lock_guard appending(append_guard_);
  auto what = std::exchange(unsynced_, {});
  unsynced_bytes_ = 0;
  what.up_to = appends_;
  what.active = active_;
  what.new_segment = std::exchange(new_segment_, false);
  const std::lock_guard lock(guard_);
  for (const auto& [number, each] : segments_)
    if (!each.full)
      what.segments.emplace_back(number, each.file->size());
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
      const auto file = file_of(number);
      if (auto status = file->sync(); !status.ok())
        return status;
      const std::lock_guard lock(guard_);
      segments_[number].synced = size;
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
  segment_list list;
  {
    const std::lock_guard lock(guard_);
    list = std::move(segments_[number].list);
  }
  const bool saved = list.save(folder_, number, options_.sync).ok();
  const std::lock_guard lock(guard_);
  if (saved)
    segments_[number].full = true;
  else
    segments_[number].list = std::move(list);
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
    const std::lock_guard lock(guard_);
    for (auto& [number, each] : segments_) {
      if (each.full)
        continue;
      each.file->cut(each.synced).IgnoreError(); // what stays there is checked at the next start
      each.full = true;
      each.list.clear();
    }
  }
  if (options_.lost)
    options_.lost(what.records);
  return up_to;
}

// ---- at start ----------------------------------------------------------------------------------

void segment_log::load(const loader& into, const std::function<void(const absl::Status&)>& failed) {
  std::vector<std::uint32_t> numbers;
  {
    const std::lock_guard lock(guard_);
    for (const auto& [number, each] : segments_)
      if (number <= found_up_to_)
        numbers.push_back(number);
  }
  for (const auto number : numbers)
    if (auto status = load_segment(number, into); !status.ok())
      failed(status);
}

absl::Status segment_log::load_segment(std::uint32_t number, const loader& into) {
  auto status = segment_list::load(folder_, number, [&](const segment_list::item& x) {
    load_item(number, x, into);
    return absl::OkStatus();
  });
  if (absl::IsNotFound(status) || absl::IsDataLoss(status))
    status = scan_segment(number, into);
  if (!status.ok())
    return status;
  const std::lock_guard lock(guard_);
  segments_[number].known = true;
  return status;
}

/// Every payload is looked at: nobody has said that this segment is whole.
absl::Status segment_log::scan_segment(std::uint32_t number, const loader& into) {
  segment_list list;
  const auto end = file_of(number)->scan(
      [&](const record_header& header, std::uint32_t offset, std::string_view payload) {
        segment_list::item item{header, offset, {}};
        if (header.kind == record_kind::removed) {
          const auto place = decode_place(payload);
          if (!place.ok())
            return absl::OkStatus();
          item.removed = *place;
        } else if (options_.whole && !options_.whole(header.key, payload)) {
          into.damaged(header.key);
          return absl::OkStatus();
        }
        list.add(item.header, item.offset, item.removed);
        load_item(number, item, into);
        return absl::OkStatus();
      });
  if (!end.ok())
    return end.status();
  if (options_.sync)
    if (auto status = file_of(number)->sync(); !status.ok())
      return status;
  return list.save(folder_, number, options_.sync);
}

void segment_log::load_item(std::uint32_t number, const segment_list::item& item,
                            const loader& into) {
  if (item.header.kind == record_kind::removed) {
    into.removed(item.header.key, item.removed);
    return;
  }
  if (!into.found(item.header.key, {number, item.offset}, item.header.payload))
    return;
  const std::lock_guard lock(guard_);
  segments_[number].wanted += item.header.size();
}

// ---- room --------------------------------------------------------------------------------------

std::int64_t segment_log::bytes() const {
  const std::lock_guard lock(guard_);
  std::int64_t sum = 0;
  for (const auto& [number, each] : segments_)
    sum += each.file->size();
  return sum;
}

std::uint32_t segment_log::most_wasted(double part) const {
  const std::lock_guard lock(guard_);
  std::uint32_t worst = 0;
  for (const auto& [number, each] : segments_) {
    if (!each.full || !each.known)
      continue;
    const auto size = static_cast<double>(each.file->size());
    const auto waste = size > 0 ? 1 - static_cast<double>(each.wanted) / size : 1.0;
    if (waste < part)
      continue;
    part = waste;
    worst = number;
  }
  return worst;
}

absl::Status segment_log::for_each_item(std::uint32_t number,
                                        const segment_list::visitor& visit) const {
  auto status = segment_list::load(folder_, number, visit);
  if (!absl::IsNotFound(status) && !absl::IsDataLoss(status))
    return status;
  const auto file = file_of(number);
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
  const auto file = file_of(number);
  if (!file)
    return absl::OkStatus();
  segment_move move(*this, with);
  auto status = for_each_item(number, [&](const segment_list::item& item) {
    const blob_place from{number, item.offset};
    if (item.header.kind == record_kind::removed)
      return file_of(item.removed.segment) && item.removed.segment != number
                 ? move.add(item.header.key, record_kind::removed, from,
                            encode_place(item.removed))
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
  {
    const std::lock_guard lock(guard_);
    segments_.erase(number);
  }
  auto status = folder_.remove(segment_list::name_of(number));
  status.Update(folder_.remove(segment_file::name_of(number)));
  return status;
}

} // namespace expbuild
