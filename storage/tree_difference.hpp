#pragma once
#include "storage/backend.hpp"
#include "storage/input_tree.hpp"

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace expbuild {

/// One entry in which two input roots differ.
struct tree_difference {
  std::string path;
  std::string before; ///< what was there, in words; empty: nothing
  std::string after;
};

/// The first `limit` entries in which the trees below two roots differ, by path. Directories with
/// one digest are not read, so that this takes as long as there is something to tell. NOT_FOUND
/// when a Directory that is needed is not stored any more, FAILED_PRECONDITION when the roots are
/// named by different digest functions, RESOURCE_EXHAUSTED when the trees are too large. Blocks.
absl::StatusOr<std::vector<tree_difference>> compare_trees(backend& from, const digest& before,
                                                           const digest& after, std::size_t limit);

} // namespace expbuild
