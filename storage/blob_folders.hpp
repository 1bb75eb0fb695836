#pragma once
#include "storage/digest.hpp"
#include "storage/temporary_file.hpp"

#include <filesystem>
#include <functional>
#include <memory>

namespace expbuild {

/// How blobs lie on a disk. The path of a blob is a pure function of its digest:
///
///     ROOT/blobs/SHA256/ab/HASH-SIZE         the blob, mode 0444
///     ROOT/executables/SHA256/ab/HASH-SIZE   a second inode with mode 0555, made when first asked
///     ROOT/tmp/PID-N                         being written; emptied at start
///
/// A final name means complete and verified. Everything goes by directory descriptors. Blocks;
/// safe from any number of threads.
class blob_folders {
public:
  static absl::StatusOr<std::shared_ptr<blob_folders>> open_root(const std::filesystem::path& root);

  /// NOT_FOUND when absent; a file of another size than its digest says is removed and absent.
  absl::StatusOr<unique_fd> open(const digest& id) const;

  absl::StatusOr<temporary_file> make_temporary() const;

  /// Gives a verified file its final name. Two writers of one blob both succeed.
  absl::Status publish(temporary_file file, const digest& id) const;

  absl::Status remove(const digest& id) const;

  /// Foreign files are skipped, files of a wrong size removed.
  absl::Status for_each(const std::function<void(const digest&)>& visit) const;

  /// See blob_reader::link_into. `source` is the open blob.
  absl::Status link_into(const digest& id, int source, int dirfd, const std::string& name,
                         bool executable) const;

private:
  absl::Status sweep_temporary() const;
  absl::Status make_executable_copy(const digest& id, int source) const;

  unique_fd blobs_;
  unique_fd executables_;
  std::shared_ptr<const unique_fd> tmp_;
};

} // namespace expbuild
