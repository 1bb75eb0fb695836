#include "storage/disk/segment_move.hpp"

namespace expbuild {

namespace {

constexpr std::size_t bytes_at_once = std::size_t{4} << 20;

} // namespace

absl::Status segment_move::add(const digest& key, record_kind kind, blob_place from,
                               std::string payload) {
  bytes_ += payload.size();
  waiting_.push_back({key, kind, from, std::move(payload)});
  return bytes_ < bytes_at_once ? absl::OkStatus() : flush();
}

/// What was replaced or removed since it was read is left out.
absl::StatusOr<std::vector<blob_place>> segment_move::append_wanted(std::vector<moving>& some) {
  const auto closed = with_.close_gate();
  std::erase_if(some, [this](const moving& x) {
    return x.kind == record_kind::bytes && !with_.is_wanted(x.key, x.from);
  });
  std::vector<segment_record> records;
  for (const auto& x : some)
    records.push_back({x.kind, x.key, x.payload});
  return to_.append(records);
}

absl::Status segment_move::flush() {
  auto moved = std::exchange(waiting_, {});
  bytes_ = 0;
  const auto places = append_wanted(moved);
  if (!places.ok())
    return places.status();
  if (moved.empty())
    return absl::OkStatus();
  if (auto status = to_.sync(); !status.ok())
    return status;
  std::vector<std::string> unwanted;
  std::vector<segment_record> removals;
  unwanted.reserve(moved.size());
  for (std::size_t i = 0; i < moved.size(); ++i) {
    const auto& x = moved[i];
    if (x.kind != record_kind::bytes || with_.moved(x.key, x.from, (*places)[i]))
      continue;
    to_.wasted((*places)[i], x.key, static_cast<std::int64_t>(x.payload.size()));
    unwanted.push_back(encode_place((*places)[i]));
    removals.push_back({record_kind::removed, x.key, unwanted.back()});
  }
  return to_.append(removals).status();
}

} // namespace expbuild
