#include "storage/input_tree.hpp"

#include <set>

namespace expbuild {

namespace {

absl::Status broken(const digest& id, const std::string& entry, const std::string& how) {
  return absl::InvalidArgumentError("Directory " + id.to_string() + ": entry '" + entry + "' "
                                    + how);
}

absl::Status check_name(const std::string& name, const digest& id) {
  if (name.empty() || name == "." || name == "..")
    return broken(id, name, "is no file name");
  if (name.find('/') != std::string::npos || name.find('\0') != std::string::npos)
    return broken(id, name, "contains a slash or NUL");
  return absl::OkStatus();
}

/// One of the three lists: every name well-formed, sorted, and new.
template <class Nodes>
absl::Status check_names(const Nodes& nodes, const digest& id, std::set<std::string>& seen) {
  const std::string* last = nullptr;
  for (const auto& node : nodes) {
    if (auto status = check_name(node.name(), id); !status.ok())
      return status;
    if (last != nullptr && node.name() < *last)
      return broken(id, node.name(), "is not in sorted order");
    if (!seen.insert(node.name()).second)
      return broken(id, node.name(), "appears twice");
    last = &node.name();
  }
  return absl::OkStatus();
}

template <class Nodes>
absl::Status check_digests(const Nodes& nodes, const digest& id) {
  for (const auto& node : nodes)
    if (const auto child = digest::from_proto(node.digest(), id.function()); !child.ok())
      return broken(id, node.name(), "has no digest: " + std::string(child.status().message()));
  return absl::OkStatus();
}

absl::Status check_targets(const reapi::Directory& dir, const digest& id,
                           absolute_symlinks policy) {
  for (const auto& link : dir.symlinks()) {
    if (link.target().empty() || link.target().find('\0') != std::string::npos)
      return broken(id, link.name(), "is a symlink without a proper target");
    if (link.target().front() == '/' && policy == absolute_symlinks::disallowed)
      return broken(id, link.name(),
                    "is an absolute symlink, which this server does not allow "
                    "(symlink_absolute_path_strategy)");
  }
  return absl::OkStatus();
}

} // namespace

absl::Status validate_directory(const reapi::Directory& dir, const digest& id,
                                absolute_symlinks policy) {
  std::set<std::string> seen;
  for (auto status : {check_names(dir.files(), id, seen), check_names(dir.directories(), id, seen),
                      check_names(dir.symlinks(), id, seen), check_digests(dir.files(), id),
                      check_digests(dir.directories(), id), check_targets(dir, id, policy)})
    if (!status.ok())
      return status;
  return absl::OkStatus();
}

} // namespace expbuild
