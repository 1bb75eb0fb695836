#include "storage/disk/packed_entries.hpp"

namespace expbuild {

namespace {

constexpr int moves_while_reading = 100;

} // namespace

absl::StatusOr<std::unique_ptr<packed_entries>> packed_entries::open(blob_index& index,
                                                                     const options& given) {
  std::unique_ptr<packed_entries> made(new packed_entries(index, given));
  segment_log_options log_options{.segment_bytes = given.segment_bytes,
                                  .sync = given.level != durability::none,
                                  .max_age = given.max_age,
                                  .whole = given.whole,
                                  .lost = {}};
  log_options.lost = [owner = made.get()](std::span<const std::pair<digest, blob_place>> gone) {
    for (const auto& [key, place] : gone)
      owner->forget(key, place,
                    absl::UnavailableError("it could not be synced to the disk and is given up"));
  };
  auto log = segment_log::open(given.folder, std::move(log_options));
  if (!log.ok())
    return log.status();
  made->log_ = *std::move(log);
  return made;
}

absl::Status packed_entries::load(bool trust_lists) {
  absl::Status first;
  log_->load({.found =
                  [this](const digest& key, blob_place place, std::uint32_t payload) {
                    if (index_.add_found(key, place, payload))
                      return true;
                    const auto older = index_.replace_older(key, place, payload);
                    if (older)
                      wasted(*older);
                    return older.has_value();
                  },
              .removed =
                  [this](const digest& key, blob_place place) {
                    if (const auto was = index_.remove(key, place))
                      wasted(*was);
                  },
              .damaged =
                  [this](const digest& key) {
                    if (options_.events.lost)
                      options_.events.lost(key, absl::DataLossError("its record was damaged"));
                  },
              .failed =
                  [this, &first](const absl::Status& why) {
                    first.Update(why);
                    if (options_.events.trouble)
                      options_.events.trouble(why);
                  },
              .trusts_lists = trust_lists});
  return first;
}

void packed_entries::wasted(const blob_index::victim& x) {
  if (x.place.segment != 0)
    log_->wasted(x.place, x.id, x.stamp);
}

void packed_entries::forget(const digest& key, blob_place place, const absl::Status& why) {
  const auto was = index_.remove(key, place);
  if (!was)
    return; // it lies elsewhere by now
  wasted(*was);
  if (options_.events.lost)
    options_.events.lost(key, why);
}

template <class Find>
absl::StatusOr<packed_entries::placed> packed_entries::read_where(const digest& key, Find find) {
  for (int moves = 0; moves < moves_while_reading; ++moves) {
    const std::optional<blob_place> place = find();
    if (!place || place->segment == 0)
      break;
    auto bytes = read_at(key, *place);
    if (absl::IsDataLoss(bytes.status()))
      break;
    if (bytes.ok())
      return placed{*place, *std::move(bytes)};
    if (!absl::IsNotFound(bytes.status()))
      return bytes.status();
    if (index_.lies_at(key, *place)) // else it has been moved meanwhile
      forget(key, *place, bytes.status());
  }
  return absl::NotFoundError(key.to_string() + " is not stored here");
}

absl::StatusOr<std::string> packed_entries::read(const digest& key) {
  auto found = read_where(key, [&] { return index_.find(key); });
  if (!found.ok())
    return found.status();
  return std::move(found->bytes);
}

absl::StatusOr<packed_entries::placed> packed_entries::peek(const digest& key) {
  return read_where(key, [&] { return index_.place(key); });
}

/// NOT_FOUND when something else lies there, DATA_LOSS when it was damaged.
absl::StatusOr<std::string> packed_entries::read_at(const digest& key, blob_place place) {
  auto bytes = log_->read(place, key, index_.stamp(key));
  if (bytes.ok() && options_.whole(key, *bytes))
    return bytes;
  const auto why =
      bytes.ok() ? absl::DataLossError("its bytes are not those that were stored") : bytes.status();
  if (absl::IsUnavailable(why) || absl::IsNotFound(why)) // it is as it was, or elsewhere
    return why;
  forget(key, place, why);
  return absl::DataLossError(key.to_string() + " is damaged and given up");
}

absl::Status packed_entries::store(std::span<const named_bytes> entries) {
  std::vector<segment_record> records;
  for (const auto& x : entries)
    records.push_back({record_kind::bytes, x.id, x.bytes});
  const auto failures = log_->failures();
  const auto entered = moves_.enter();
  const auto places = log_->append(records);
  if (!places.ok())
    return places.status();
  if (options_.level == durability::strict)
    if (auto status = log_->sync(); !status.ok())
      return status;
  std::vector<blob_index::victim> replaced;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (const auto before = index_.add(entries[i].id, (*places)[i],
                                       static_cast<std::uint32_t>(entries[i].bytes.size())))
      replaced.push_back(*before);
  auto status = append_removals(replaced);
  if (log_->failures() != failures)
    status.Update(forget_what_is_not_there(entries, *places));
  return status;
}

/// They are waste from here on, and stay removed when the records that replaced them are gone.
absl::Status packed_entries::append_removals(std::span<const blob_index::victim> gone) {
  std::vector<std::string> places;
  std::vector<segment_record> records;
  places.reserve(gone.size());
  for (const auto& x : gone) {
    if (x.place.segment == 0)
      continue;
    wasted(x);
    places.push_back(encode_place(x.place));
    records.push_back({record_kind::removed, x.id, places.back()});
  }
  return log_->append(records).status();
}

/// A sync failed after they were appended, and may have failed before the index knew them: then
/// nobody has told it that they are lost.
absl::Status packed_entries::forget_what_is_not_there(std::span<const named_bytes> entries,
                                                      const std::vector<blob_place>& places) {
  absl::Status status;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (!log_->read(places[i], entries[i].id, std::ssize(entries[i].bytes)).ok()) {
      status = absl::UnavailableError("what was written could not be synced; try again");
      forget(entries[i].id, places[i], status);
    }
  return status;
}

absl::Status packed_entries::evict(std::span<const blob_index::victim> victims) {
  const auto entered = moves_.enter();
  std::vector<blob_index::victim> gone;
  for (const auto& x : victims)
    if (x.place.segment != 0 && index_.is_doomed(x.id))
      if (const auto was = index_.remove(x.id, x.place))
        gone.push_back(*was);
  return append_removals(gone);
}

segment_log::mover packed_entries::mover() {
  return {.is_wanted = [this](const digest& key,
                              blob_place place) { return index_.lies_at(key, place); },
          .moved = [this](const digest& key, blob_place from,
                          blob_place to) { return index_.move(key, from, to); },
          .unreadable = [this](const digest& key, blob_place place,
                               const absl::Status& why) { forget(key, place, why); },
          .close_gate = [this] { return moves_.close(); }};
}

absl::Status packed_entries::compact(const std::function<bool()>& go_on, double waste) {
  const auto with = mover();
  for (auto number = log_->most_wasted(waste); number != 0 && go_on();
       number = log_->most_wasted(waste))
    if (auto status = log_->compact(number, with); !status.ok())
      return status;
  return absl::OkStatus();
}

absl::Status packed_entries::give_back_waste(const std::function<bool()>& go_on,
                                             std::int64_t most_waste) {
  const std::lock_guard lock(give_back_guard_);
  auto status = compact(go_on, 0.5);
  const auto waste = bytes() - index_.stats().packed_bytes;
  if (waste > most_waste) // spread over many segments
    status.Update(compact(go_on, 0.2));
  return status;
}

} // namespace expbuild
