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

absl::Status segment_move::flush() {
  const auto moved = std::exchange(waiting_, {});
  bytes_ = 0;
  if (moved.empty())
    return absl::OkStatus();
  std::vector<segment_record> records;
  for (const auto& x : moved)
    records.push_back({x.kind, x.key, x.payload});
  const auto places = to_.append(records);
  if (!places.ok())
    return places.status();
  if (auto status = to_.sync(); !status.ok())
    return status;
  for (std::size_t i = 0; i < moved.size(); ++i) {
    const auto& x = moved[i];
    if (x.kind == record_kind::bytes && !with_.moved(x.key, x.from, (*places)[i]))
      to_.wasted((*places)[i], x.key, static_cast<std::int64_t>(x.payload.size()));
  }
  return absl::OkStatus();
}

} // namespace expbuild
