#pragma once
#include "storage/backend.hpp"
#include "storage/input_tree.hpp"

#include <deque>
#include <optional>
#include <unordered_set>

namespace expbuild {

/// GetTree's walk, one page at a time, so that a slow client holds no thread and no more than one
/// page: every Directory reachable from the root, each once however often the tree names it,
/// parents before children, always in the same order. A missing child is left out. Plain class;
/// one thread at a time; `next_page` blocks.
class tree_pager {
public:
  /// `skip` leaves out the first directories: they were sent by an earlier call.
  tree_pager(std::shared_ptr<backend> store, const digest& root, std::size_t skip,
             const tree_limits& limits);

  /// Fills `page` with up to `max_directories` that take up to `max_bytes`, but at least one, and
  /// sets its next_page_token when there may be more. NOT_FOUND when the root is missing,
  /// INVALID_ARGUMENT when the tree is malformed or beyond the limits.
  absl::Status next_page(std::size_t max_directories, std::size_t max_bytes,
                         reapi::GetTreeResponse& page);

  bool at_end() const noexcept { return waiting_.empty() && !held_; }

private:
  absl::StatusOr<bool> read_next(reapi::Directory& to);
  absl::Status add_children(const reapi::Directory& of, const digest& id);

  std::shared_ptr<backend> store_;
  digest root_;
  std::size_t skip_;
  tree_limits limits_;
  std::deque<digest> waiting_;
  std::unordered_set<digest> seen_;
  std::size_t visited_ = 0;
  std::optional<reapi::Directory> held_; // was read, but did not fit into the page before
};

} // namespace expbuild
