#pragma once
#include "storage/disk/disk_file.hpp"

#include <string>

namespace expbuild {

/// A new file in a folder of temporary files, gone again unless it is moved away.
class temporary_file {
public:
  /// Under a name of its own, with mode 0600.
  static absl::StatusOr<temporary_file> create(const disk_folder& folder);

  temporary_file(temporary_file&& other) noexcept;
  temporary_file& operator=(temporary_file&& other) noexcept;
  ~temporary_file();

  const disk_file& file() const noexcept { return file_; }

  /// Closes the file (checked) and moves it to `name` in `to`, replacing what is there.
  absl::Status move_to(const disk_folder& to, const std::string& name);

private:
  temporary_file(disk_folder folder, std::string name, disk_file file);

  disk_folder folder_;
  std::string name_; // empty: moved away
  disk_file file_;
};

} // namespace expbuild
