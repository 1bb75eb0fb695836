#include "storage/disk/frame_writer.hpp"

#include "storage/zstd_codec.hpp"

#include <algorithm>

namespace expbuild {

namespace {

/// What is packed at once: frames that are one write.
constexpr std::size_t group_bytes = std::size_t{1} << 20;

} // namespace

absl::Status frame_writer::append(const disk_file& file, std::string_view bytes) {
  while (!bytes.empty()) {
    if (as_it_is_) {
      auto status = file.write_at(taken_, bytes);
      taken_ += std::ssize(bytes);
      return status;
    }
    const auto left = static_cast<std::size_t>(layout_.plain_bytes - taken_);
    const auto wanted = std::min(group_bytes - staged_, left);
    const auto part = bytes.substr(0, wanted);
    bytes.remove_prefix(part.size());
    taken_ += std::ssize(part);
    auto status = absl::OkStatus();
    if (staged_ == 0 && part.size() == wanted)
      status = pack(file, part);
    else if (status = stage(file, part); status.ok() && part.size() == wanted)
      status = pack_staged(file);
    if (!status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status frame_writer::stage(const disk_file& file, std::string_view bytes) {
  auto status = file.write_at(layout_.packed_bytes + static_cast<std::int64_t>(staged_), bytes);
  staged_ += bytes.size();
  was_staged_ = true;
  return status;
}

absl::Status frame_writer::pack_staged(const disk_file& file) {
  std::string plain(staged_, '\0');
  const auto n = file.read_at(layout_.packed_bytes, plain);
  if (!n.ok())
    return n.status();
  if (*n != plain.size())
    return absl::DataLossError(file.name() + " has lost what was written to it");
  staged_ = 0;
  return pack(file, plain);
}

bool frame_writer::is_worth_it(std::size_t packed, std::size_t plain, std::size_t frames) const {
  if (packed > plain / 20 * 19)
    return false;
  if (static_cast<std::int64_t>(plain) < layout_.plain_bytes)
    return true;
  auto whole = layout_; // all that there is
  whole.packed_bytes = static_cast<std::int64_t>(packed);
  return static_cast<std::int64_t>(frames) == whole.count()
         && file_charge(whole.file_bytes()) < file_charge(layout_.plain_bytes);
}

absl::Status frame_writer::pack(const disk_file& file, std::string_view plain) {
  std::string packed;
  std::vector<std::uint64_t> ends;
  const auto size = static_cast<std::size_t>(layout_.frame_bytes);
  for (auto rest = plain; !rest.empty(); rest.remove_prefix(std::min(size, rest.size()))) {
    const auto frame = zstd_frame(rest.substr(0, size), true);
    if (!frame.ok())
      return frame.status();
    packed.append(*frame);
    ends.push_back(static_cast<std::uint64_t>(layout_.packed_bytes) + packed.size());
  }
  if (ends_.empty() && !is_worth_it(packed.size(), plain.size(), ends.size())) {
    as_it_is_ = true;
    return file.write_at(0, plain);
  }
  auto status = file.write_at(layout_.packed_bytes, packed);
  layout_.packed_bytes += std::ssize(packed);
  ends_.insert(ends_.end(), ends.begin(), ends.end());
  return status;
}

absl::StatusOr<stored_as> frame_writer::finish(const disk_file& file) {
  if (as_it_is_)
    return stored_as::plain;
  auto status = file.write_at(layout_.packed_bytes, encode_frame_table(layout_, ends_));
  if (status.ok() && was_staged_)
    status = file.truncate(layout_.file_bytes());
  if (!status.ok())
    return status;
  return stored_as::frames;
}

} // namespace expbuild
