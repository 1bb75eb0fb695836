#include "storage/disk/segment_table.hpp"

namespace expbuild {

void segment_table::add_found(std::shared_ptr<segment_file> file) {
  const std::lock_guard lock(guard_);
  auto& x = entries_[file->number()];
  x.synced = file->size();
  x.file = std::move(file);
  x.full = true;
  x.is_found = true;
  x.is_known = false;
}

void segment_table::add(std::shared_ptr<segment_file> file) {
  const std::lock_guard lock(guard_);
  entries_[file->number()].file = std::move(file);
}

void segment_table::remove(std::uint32_t number) {
  const std::lock_guard lock(guard_);
  entries_.erase(number);
}

std::shared_ptr<segment_file> segment_table::find(std::uint32_t number) const {
  const std::lock_guard lock(guard_);
  const auto found = entries_.find(number);
  return found == entries_.end() ? nullptr : found->second.file;
}

std::vector<std::uint32_t> segment_table::found() const {
  std::vector<std::uint32_t> numbers;
  const std::lock_guard lock(guard_);
  for (const auto& [number, x] : entries_)
    if (x.is_found)
      numbers.push_back(number);
  return numbers;
}

void segment_table::loaded(std::uint32_t number) {
  const std::lock_guard lock(guard_);
  entries_[number].is_known = true;
}

// ---- what they hold ----------------------------------------------------------------------------

void segment_table::wanted(std::uint32_t number, std::int64_t bytes) {
  const std::lock_guard lock(guard_);
  if (const auto found = entries_.find(number); found != entries_.end())
    found->second.wanted += bytes;
}

void segment_table::listed(std::uint32_t number, const segment_list::item& item) {
  const std::lock_guard lock(guard_);
  entries_[number].list.add(item.header, item.offset, item.removed);
}

std::int64_t segment_table::bytes() const {
  const std::lock_guard lock(guard_);
  std::int64_t sum = 0;
  for (const auto& [number, x] : entries_)
    sum += x.file->size();
  return sum;
}

std::uint32_t segment_table::most_wasted(double part) const {
  const std::lock_guard lock(guard_);
  std::uint32_t worst = 0;
  for (const auto& [number, x] : entries_) {
    if (!x.full || !x.is_known)
      continue;
    const auto size = static_cast<double>(x.file->size());
    const auto waste = size > 0 ? 1 - static_cast<double>(x.wanted) / size : 1.0;
    if (waste < part)
      continue;
    part = waste;
    worst = number;
  }
  return worst;
}

// ---- what of it has reached the disk -----------------------------------------------------------

segment_table::sizes segment_table::unfinished() const {
  sizes all;
  const std::lock_guard lock(guard_);
  for (const auto& [number, x] : entries_)
    if (!x.full)
      all.emplace_back(number, x.file->size());
  return all;
}

void segment_table::synced(std::uint32_t number, std::int64_t size) {
  const std::lock_guard lock(guard_);
  entries_[number].synced = size;
}

segment_list segment_table::take_list(std::uint32_t number) {
  const std::lock_guard lock(guard_);
  return std::move(entries_[number].list);
}

void segment_table::finished(std::uint32_t number, bool saved, segment_list list) {
  const std::lock_guard lock(guard_);
  entries_[number].full = saved;
  if (!saved)
    entries_[number].list = std::move(list);
}

void segment_table::give_up_unsynced() {
  const std::lock_guard lock(guard_);
  for (auto& [number, x] : entries_) {
    if (x.full)
      continue;
    x.file->cut(x.synced).IgnoreError(); // what stays there is checked at the next start
    x.full = true;
    x.list.clear();
  }
}

} // namespace expbuild
