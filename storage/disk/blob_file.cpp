#include "storage/disk/blob_file.hpp"

#include "storage/hasher.hpp"

#include <functional>

namespace expbuild {

namespace {

constexpr std::size_t piece_size = std::size_t{256} << 10; // a frame

using taker = std::function<absl::Status(std::int64_t offset, std::string_view bytes)>;

absl::Status for_each_piece(const blob_file& file, const taker& take) {
  std::string buffer(piece_size, '\0');
  for (std::int64_t offset = 0;;) {
    const auto n = file.read_at(offset, buffer);
    if (!n.ok() || *n == 0)
      return n.status();
    if (auto status = take(offset, std::string_view(buffer).substr(0, *n)); !status.ok())
      return status;
    offset += static_cast<std::int64_t>(*n);
  }
}

} // namespace

blob_place place_in_file(stored_as form, std::int64_t file_bytes) {
  return form == stored_as::plain ? blob_place{} : compressed_place(file_bytes);
}

std::uint32_t stamp_of(const struct stat& facts) {
  auto x = static_cast<std::uint64_t>(facts.st_mtim.tv_sec) * 1'000'000'007
           + static_cast<std::uint64_t>(facts.st_mtim.tv_nsec);
  x = (x ^ facts.st_ino * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
  return static_cast<std::uint32_t>(x >> 32) | 1;
}

absl::StatusOr<blob_file> blob_file::open(found_file found, const digest& id) {
  blob_file opened(std::move(found.file), id);
  const auto facts = opened.file_.facts();
  if (!facts.ok())
    return facts.status();
  opened.stamp_ = stamp_of(*facts);
  opened.place_ = place_in_file(found.form, facts->st_size);
  if (found.form == stored_as::frames) {
    auto frames = frame_reader::open(opened.file_, facts->st_size, id.size_bytes());
    if (!frames.ok())
      return frames.status();
    opened.frames_ = *frames;
  } else if (facts->st_size != id.size_bytes()) {
    return absl::DataLossError("it has " + std::to_string(facts->st_size) + " bytes");
  }
  return opened;
}

absl::StatusOr<std::size_t> blob_file::read_at(std::int64_t offset, std::span<char> out) const {
  return frames_ ? frames_->read_at(file_, offset, out) : file_.read_at(offset, out);
}

absl::StatusOr<std::optional<std::size_t>> blob_file::try_read_at(std::int64_t offset,
                                                                  std::span<char> out) const {
  if (frames_)
    return std::nullopt;
  return file_.try_read_at(offset, out);
}

absl::Status blob_file::copy_to(const disk_file& to) const {
  if (!frames_)
    return to.copy_from(file_);
  return for_each_piece(*this, [&to](std::int64_t offset, std::string_view bytes) {
    return to.write_at(offset, bytes);
  });
}

absl::Status blob_file::check() const {
  if (frames_)
    if (auto status = frames_->check_table(file_); !status.ok())
      return status;
  hasher hash(id_.function());
  auto status = for_each_piece(*this, [&hash](std::int64_t, std::string_view bytes) {
    hash.update(bytes);
    return absl::OkStatus();
  });
  if (!status.ok())
    return status;
  return hash.finish() == id_ ? absl::OkStatus()
                              : absl::DataLossError("its bytes are not those of its digest");
}

} // namespace expbuild
