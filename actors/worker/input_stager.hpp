#pragma once
#include "actors/worker/workspace.hpp"
#include "storage/posix.hpp"

namespace expbuild {

/// Puts an input tree on disk beneath one folder. By descriptors only; blocks.
class input_stager {
public:
  /// `may_link`: files may be hardlinks into the store (see workspace_options).
  input_stager(const workspace_options& options, backend& store, int root, bool may_link)
      : options_(options), store_(store), root_(root), may_link_(may_link) {}

  /// NOT_FOUND when the store lacks a blob of it. Free threads of the long lane help with a large
  /// one.
  absl::Status stage(const input_tree& tree);

  /// Makes the folder and its parents where they are absent. `below` is the tree that the folder
  /// will be mounted over, -1 without: what it has is there. INVALID_ARGUMENT when a file or a
  /// link stands in the way.
  absl::Status make_folders(const std::string& path, int below);

private:
  absl::StatusOr<bool> is_there(const std::string& path, int below) const;
  absl::Status make_folder_at(const std::string& path);
  absl::Status give_away(int fd, const std::string& path) const;
  absl::Status stage_files(const std::vector<input_tree::file>& all) const;
  absl::Status stage_file(const input_tree::file& file);
  absl::Status copy(blob_reader& from, int dirfd, const std::string& name,
                    const input_tree::file& file) const;
  absl::Status stage_link(const input_tree::symlink& link);
  /// The folder that holds `path`; kept open, since neighbours come one after another.
  absl::StatusOr<int> folder_of(const std::string& path);

  const workspace_options& options_;
  backend& store_;
  const int root_;
  const bool may_link_;
  std::string open_path_;
  unique_fd open_folder_;
};

} // namespace expbuild
