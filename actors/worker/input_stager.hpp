#pragma once
#include "actors/worker/workspace.hpp"
#include "storage/posix.hpp"

namespace expbuild {

/// Puts an input tree on disk beneath one folder. By descriptors only; blocks.
class input_stager {
public:
  input_stager(const workspace_options& options, backend& store, int root)
      : options_(options), store_(store), root_(root) {}

  absl::Status stage(const input_tree& tree);

  /// Makes the folder and its parents where they are absent. INVALID_ARGUMENT when a file or a
  /// link stands in the way.
  absl::Status make_folders(const std::string& path);

private:
  absl::Status make_folder_at(const std::string& path);
  absl::Status give_away(int fd, const std::string& path) const;
  absl::Status stage_file(const input_tree::file& file);
  absl::Status copy(blob_reader& from, int dirfd, const std::string& name,
                    const input_tree::file& file) const;
  absl::Status stage_link(const input_tree::symlink& link);
  /// The folder that holds `path`; kept open, since neighbours come one after another.
  absl::StatusOr<int> folder_of(const std::string& path);

  const workspace_options& options_;
  backend& store_;
  const int root_;
  std::string open_path_;
  unique_fd open_folder_;
};

} // namespace expbuild
