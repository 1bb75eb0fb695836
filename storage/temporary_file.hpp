#pragma once
#include "storage/posix.hpp"

#include <memory>
#include <string>

namespace expbuild {

/// A new file in a folder of temporary files, gone again unless it is renamed away. The folder is
/// shared: it must stay open as long as any file in it.
class temporary_file {
public:
  /// O_CREAT | O_EXCL under a name of its own.
  static absl::StatusOr<temporary_file> create(std::shared_ptr<const unique_fd> folder,
                                               mode_t mode);

  temporary_file(temporary_file&& other) noexcept;
  temporary_file& operator=(temporary_file&& other) noexcept;
  ~temporary_file();

  int fd() const noexcept { return fd_.get(); }

  /// Closes the file (checked) and moves it to `name` beneath `dirfd`, replacing what is there.
  /// `mode` is what the file has from then on.
  absl::Status rename_to(int dirfd, const std::string& name, mode_t mode);

private:
  temporary_file(std::shared_ptr<const unique_fd> folder, std::string name, unique_fd fd);

  std::shared_ptr<const unique_fd> folder_;
  std::string name_; // empty: renamed away
  unique_fd fd_;
};

} // namespace expbuild
