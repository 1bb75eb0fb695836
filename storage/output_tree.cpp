#include "storage/output_tree.hpp"

#include "storage/folder_listing.hpp"
#include "storage/posix.hpp"
#include "storage/utf8.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_set>

namespace expbuild {

namespace {

constexpr std::size_t max_depth = 1000;

absl::Status unfit(const std::string& path, const std::string& how) {
  return absl::FailedPreconditionError("output '" + path + "' " + how);
}

/// Reads folders depth first; a folder is open only while it is listed and its files are read.
class tree_walk {
public:
  tree_walk(int root, digest_function function, absolute_symlinks policy, const file_sink& sink,
            const node_property_set& properties)
      : root_(root), function_(function), policy_(policy), sink_(sink), properties_(properties) {}

  absl::StatusOr<output_tree> run() {
    auto root = read_folder("", 0);
    if (!root.ok())
      return root.status();
    output_tree tree;
    tree.root = *std::move(root);
    // Children were finished before their parents; parents come first on the wire.
    std::reverse(finished_.begin(), finished_.end());
    tree.children = std::move(finished_);
    return tree;
  }

private:
  absl::StatusOr<unique_fd> open_at(const std::string& path, int flags) {
    return open_beneath(root_, path.empty() ? "." : path, flags);
  }

  absl::StatusOr<reapi::Directory> read_folder(const std::string& path, std::size_t depth) {
    if (depth > max_depth)
      return unfit(path, "is nested too deeply");
    std::vector<std::string> names;
    reapi::Directory dir;
    if (auto status = list(path, names, dir); !status.ok())
      return status;
    for (const auto& name : names)
      if (auto status = read_entry(path.empty() ? name : path + "/" + name, name, dir, depth);
          !status.ok())
        return status;
    return dir;
  }

  absl::Status list(const std::string& path, std::vector<std::string>& names,
                    reapi::Directory& into) {
    const auto folder = open_at(path, O_RDONLY | O_DIRECTORY);
    if (!folder.ok())
      return folder.status();
    struct stat facts {};
    if (properties_.any() && ::fstat(folder->get(), &facts) != 0)
      return errno_status(errno, "looking at output " + path);
    describe_node(properties_, facts, into);
    auto status = list_folder(folder->get(), ".", [&](const std::string& name) {
      if (!is_utf8(name))
        return unfit(path + "/" + name, "has a name that is not UTF-8");
      names.push_back(name);
      return absl::OkStatus();
    });
    std::sort(names.begin(), names.end());
    return status;
  }

  absl::Status read_entry(const std::string& path, const std::string& name, reapi::Directory& into,
                          std::size_t depth) {
    const auto entry = open_at(path, O_PATH | O_NOFOLLOW);
    if (!entry.ok()) // openat2 does not even look at a link; O_PATH below does
      return read_link(path, name, into);
    struct stat facts {};
    if (::fstat(entry->get(), &facts) != 0)
      return errno_status(errno, "looking at output " + path);
    if (S_ISDIR(facts.st_mode))
      return read_child(path, name, into, depth);
    if (S_ISREG(facts.st_mode))
      return read_file(path, name, facts, into);
    if (S_ISLNK(facts.st_mode))
      return read_link(path, name, into);
    return unfit(path, "is neither a file, a directory nor a symlink");
  }

  absl::Status read_file(const std::string& path, const std::string& name, const struct stat& facts,
                         reapi::Directory& into) {
    const auto file = open_at(path, O_RDONLY);
    if (!file.ok())
      return file.status();
    const auto id = sink_(file->get(), path);
    if (!id.ok())
      return id.status();
    auto& node = *into.add_files();
    node.set_name(name);
    *node.mutable_digest() = id->to_proto();
    node.set_is_executable((facts.st_mode & S_IXUSR) != 0);
    describe_node(properties_, facts, node);
    return absl::OkStatus();
  }

  absl::Status read_link(const std::string& path, const std::string& name, reapi::Directory& into) {
    const auto slash = path.rfind('/');
    const auto parent =
        open_at(slash == std::string::npos ? "" : path.substr(0, slash), O_PATH | O_DIRECTORY);
    if (!parent.ok())
      return parent.status();
    const auto target = expbuild::read_link(parent->get(), name);
    if (!target.ok())
      return target.status();
    if (!is_utf8(*target))
      return unfit(path, "points to a name that is not UTF-8");
    if (target->front() == '/' && policy_ == absolute_symlinks::disallowed)
      return unfit(path,
                   "is a symlink to the absolute path '" + *target
                       + "', which this server does not allow (symlink_absolute_path_strategy)");
    auto& node = *into.add_symlinks();
    node.set_name(name);
    node.set_target(*target);
    struct stat facts {};
    if (properties_.any()
        && ::fstatat(parent->get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0)
      return errno_status(errno, "looking at output " + path);
    describe_node(properties_, facts, node);
    return absl::OkStatus();
  }

  absl::Status read_child(const std::string& path, const std::string& name, reapi::Directory& into,
                          std::size_t depth) {
    auto child = read_folder(path, depth + 1);
    if (!child.ok())
      return child.status();
    const auto id = digest::of(child->SerializeAsString(), function_);
    auto& node = *into.add_directories();
    node.set_name(name);
    *node.mutable_digest() = id.to_proto();
    if (known_.insert(id).second)
      finished_.push_back(*std::move(child));
    return absl::OkStatus();
  }

  const int root_;
  const digest_function function_;
  const absolute_symlinks policy_;
  const file_sink& sink_;
  const node_property_set properties_;
  std::unordered_set<digest> known_;
  std::vector<reapi::Directory> finished_;
};

} // namespace

reapi::Tree output_tree::to_tree() const {
  reapi::Tree tree;
  *tree.mutable_root() = root;
  for (const auto& child : children)
    *tree.add_children() = child;
  return tree;
}

absl::StatusOr<output_tree> read_directory_tree(int dirfd, digest_function function,
                                                absolute_symlinks policy, const file_sink& sink,
                                                const node_property_set& properties) {
  return tree_walk(dirfd, function, policy, sink, properties).run();
}

} // namespace expbuild
