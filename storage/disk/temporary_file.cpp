#include "storage/disk/temporary_file.hpp"

#include <atomic>
#include <cstdint>

namespace expbuild {

absl::StatusOr<temporary_file> temporary_file::create(const disk_folder& folder) {
  static std::atomic<std::uint64_t> count{0};
  auto name = std::to_string(++count);
  auto file = folder.create(name, 0600);
  if (!file.ok())
    return file.status();
  return temporary_file(folder, std::move(name), *std::move(file));
}

temporary_file::temporary_file(disk_folder folder, std::string name, disk_file file)
    : folder_(std::move(folder)), name_(std::move(name)), file_(std::move(file)) {}

temporary_file::temporary_file(temporary_file&& other) noexcept
    : folder_(other.folder_), name_(std::exchange(other.name_, {})), file_(std::move(other.file_)) {
}

temporary_file& temporary_file::operator=(temporary_file&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(name_, other.name_);
  std::swap(file_, other.file_);
  return *this;
}

temporary_file::~temporary_file() {
  if (!name_.empty())
    folder_.remove(name_).IgnoreError(); // the next start removes what stays
}

absl::Status temporary_file::move_to(const disk_folder& to, const std::string& name) {
  if (auto status = file_.close(); !status.ok())
    return status;
  auto status = folder_.move(name_, to, name);
  if (status.ok())
    name_.clear();
  return status;
}

} // namespace expbuild
