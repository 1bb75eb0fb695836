#pragma once
#include "storage/backend.hpp"

#include <absl/status/statusor.h>

#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace expbuild {

/// How absolute symlink targets are met (capability symlink_absolute_path_strategy).
enum class absolute_symlinks { disallowed, allowed };

/// What a client can make us hold while walking one tree.
struct tree_limits {
  std::int64_t max_directory_bytes = 64 << 20; ///< one Directory message
  std::size_t max_entries = 1'000'000;         ///< files + directories + symlinks after expansion
  std::size_t max_depth = 1000;
  std::size_t max_path_bytes = 256 << 20; ///< paths + symlink targets after expansion
};

/// What no system takes as one entry: NAME_MAX, and PATH_MAX without its NUL.
constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_path = 4095;

/// Checks that a Directory is canonical: entries sorted, names unique across files, directories
/// and symlinks, none empty, "." or "..", none with a slash or NUL; digests well-formed; symlink
/// targets not empty, and not absolute unless allowed. INVALID_ARGUMENT names the directory's
/// digest and the entry.
absl::Status validate_directory(const reapi::Directory& dir, const digest& id,
                                absolute_symlinks policy);

/// An input root, read and checked: everything that has to be on disk before the command runs.
/// Paths are relative to the root, parents before children.
struct input_tree {
  struct file {
    std::string path;
    digest content;
    bool executable = false;
    std::optional<std::uint32_t> unix_mode;
    std::optional<timespec> mtime = std::nullopt;
  };
  struct symlink {
    std::string path;
    std::string target;
  };
  std::vector<std::string> directories; ///< without the root itself
  std::vector<file> files;
  std::vector<symlink> symlinks;

  std::size_t entries() const noexcept {
    return directories.size() + files.size() + symlinks.size();
  }
};

/// Reads the tree below `root`. A missing Directory or file is no error here but is added to
/// `missing` (each digest once), so that all of them can be told at once; the walk goes on.
/// Files are looked up with `has`. INVALID_ARGUMENT for a tree that is malformed, exceeds `limits`,
/// or has a name, path or symlink target that no system takes. Blocks.
absl::StatusOr<input_tree> load_input_tree(backend& from, const digest& root,
                                           absolute_symlinks policy, const tree_limits& limits,
                                           const std::function<bool(const digest&)>& has,
                                           std::vector<digest>& missing);

} // namespace expbuild
