#include "services/tree_pager.hpp"

namespace expbuild {

tree_pager::tree_pager(std::shared_ptr<backend> store, const digest& root, std::size_t skip,
                       const tree_limits& limits)
    : store_(std::move(store)), root_(root), skip_(skip),
      limits_(limits), waiting_{root}, seen_{root} {}

absl::Status tree_pager::next_page(std::size_t max_directories, std::size_t max_bytes,
                                   reapi::GetTreeResponse& page) {
  std::size_t bytes = 0;
  while (!at_end() && static_cast<std::size_t>(page.directories_size()) < max_directories) {
    if (!held_) {
      reapi::Directory directory;
      const auto there = read_next(directory);
      if (!there.ok())
        return there.status();
      if (!*there || visited_ <= skip_)
        continue;
      held_ = std::move(directory);
    }
    bytes += held_->ByteSizeLong();
    if (bytes > max_bytes && page.directories_size() > 0)
      break;
    *page.add_directories() = *std::exchange(held_, std::nullopt);
  }
  if (!at_end())
    page.set_next_page_token(std::to_string(visited_ - (held_ ? 1 : 0)));
  return absl::OkStatus();
}

/// False when it is not in the store.
absl::StatusOr<bool> tree_pager::read_next(reapi::Directory& to) {
  const auto id = waiting_.front();
  waiting_.pop_front();
  const auto bytes = read_blob(*store_, id, limits_.max_directory_bytes);
  if (absl::IsNotFound(bytes.status()) && !(id == root_))
    return false;
  if (!bytes.ok())
    return bytes.status();
  if (!to.ParseFromString(*bytes))
    return absl::InvalidArgumentError("blob " + id.to_string() + " in the tree of "
                                      + root_.to_string() + " is not a Directory");
  ++visited_;
  if (auto status = add_children(to, id); !status.ok())
    return status;
  return true;
}

absl::Status tree_pager::add_children(const reapi::Directory& of, const digest& id) {
  for (const auto& child : of.directories()) {
    const auto child_id = digest::from_proto(child.digest(), id.function());
    if (!child_id.ok())
      return absl::InvalidArgumentError("directory " + id.to_string() + ", entry '" + child.name()
                                        + "': " + std::string(child_id.status().message()));
    if (seen_.insert(*child_id).second)
      waiting_.push_back(*child_id);
  }
  if (seen_.size() > limits_.max_entries)
    return absl::InvalidArgumentError("the tree of " + root_.to_string() + " has more than "
                                      + std::to_string(limits_.max_entries) + " directories");
  return absl::OkStatus();
}

} // namespace expbuild
