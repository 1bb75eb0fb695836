#include "storage/input_tree.hpp"

#include "storage/directory_reader.hpp"

#include <algorithm>
#include <unordered_set>

namespace expbuild {

namespace {

/// The walk that turns Directories into paths. Depth first, with a stack of its own: the depth is
/// the client's choice.
class input_walk {
public:
  input_walk(directory_reader& from, const tree_limits& limits,
             const std::function<bool(const digest&)>& has, std::vector<digest>& missing)
      : from_(from), limits_(limits), has_(has), missing_(missing) {}

  absl::StatusOr<input_tree> run(const digest& root) {
    pending_.push_back({"", root, 0});
    while (!pending_.empty()) {
      const auto next = std::move(pending_.back());
      pending_.pop_back();
      if (auto status = enter(next); !status.ok())
        return status;
    }
    return std::move(tree_);
  }

private:
  struct place {
    std::string path; // with a trailing slash, or empty
    digest id;
    std::size_t depth;
  };

  absl::Status enter(const place& at) {
    if (at.depth > limits_.max_depth)
      return absl::InvalidArgumentError("the input root is deeper than "
                                        + std::to_string(limits_.max_depth) + " directories");
    const auto dir = from_.read(at.id);
    if (absl::IsNotFound(dir.status())) {
      miss(at.id);
      return absl::OkStatus();
    }
    if (!dir.ok())
      return dir.status();
    entries_ += static_cast<std::size_t>((*dir)->files_size() + (*dir)->directories_size()
                                         + (*dir)->symlinks_size());
    if (entries_ > limits_.max_entries)
      return absl::InvalidArgumentError("the input root has more than "
                                        + std::to_string(limits_.max_entries) + " entries");
    if (auto status = measure(at, **dir); !status.ok())
      return status;
    take(at, **dir);
    return absl::OkStatus();
  }

  /// Before anything is made of it: what a client says once we hold once for each path.
  absl::Status measure(const place& at, const reapi::Directory& dir) {
    std::size_t name = 0;
    std::size_t target = 0;
    const auto add = [&](const auto& nodes) {
      for (const auto& node : nodes) {
        name = std::max(name, node.name().size());
        path_bytes_ += at.path.size() + node.name().size();
      }
    };
    add(dir.files());
    add(dir.symlinks());
    add(dir.directories());
    for (const auto& node : dir.symlinks()) {
      target = std::max(target, node.target().size());
      path_bytes_ += node.target().size();
    }
    if (name > longest_name || at.path.size() + name > longest_path || target > longest_path)
      return absl::InvalidArgumentError(
          "Directory " + at.id.to_string() + ": a name is longer than "
          + std::to_string(longest_name) + " bytes, or a path or symlink target longer than "
          + std::to_string(longest_path) + ": it could not be staged");
    if (path_bytes_ > limits_.max_path_bytes)
      return absl::InvalidArgumentError("the paths of the input root have more than "
                                        + std::to_string(limits_.max_path_bytes) + " bytes");
    return absl::OkStatus();
  }

  void take(const place& at, const reapi::Directory& dir) {
    for (const auto& node : dir.files()) {
      const auto id = *digest::from_proto(node.digest(), at.id.function());
      if (!id.is_empty_blob() && !has_(id))
        miss(id);
      std::optional<std::uint32_t> mode;
      if (node.node_properties().has_unix_mode())
        mode = node.node_properties().unix_mode().value();
      std::optional<timespec> mtime;
      if (node.node_properties().has_mtime())
        mtime = timespec{node.node_properties().mtime().seconds(),
                         node.node_properties().mtime().nanos()};
      tree_.files.push_back({at.path + node.name(), id, node.is_executable(), mode, mtime});
    }
    for (const auto& node : dir.symlinks())
      tree_.symlinks.push_back({at.path + node.name(), node.target()});
    for (const auto& node : dir.directories()) {
      tree_.directories.push_back(at.path + node.name());
      pending_.push_back({at.path + node.name() + "/",
                          *digest::from_proto(node.digest(), at.id.function()), at.depth + 1});
    }
  }

  void miss(const digest& id) {
    if (missed_.insert(id).second)
      missing_.push_back(id);
  }

  directory_reader& from_;
  const tree_limits& limits_;
  const std::function<bool(const digest&)>& has_;
  std::vector<digest>& missing_;
  std::unordered_set<digest> missed_;
  std::vector<place> pending_;
  std::size_t entries_ = 0;
  std::size_t path_bytes_ = 0;
  input_tree tree_;
};

} // namespace

absl::StatusOr<input_tree> load_input_tree(backend& from, const digest& root,
                                           absolute_symlinks policy, const tree_limits& limits,
                                           const std::function<bool(const digest&)>& has,
                                           std::vector<digest>& missing) {
  directory_reader reader(from, policy, limits);
  return input_walk(reader, limits, has, missing).run(root);
}

} // namespace expbuild
