#pragma once
#include "storage/input_tree.hpp"

#include <memory>
#include <unordered_map>

namespace expbuild {

/// Reads and checks Directory blobs, each once however often a tree names it. For the length of
/// one walk. Blocks.
class directory_reader {
public:
  directory_reader(backend& from, absolute_symlinks policy, const tree_limits& limits)
      : from_(from), policy_(policy), limits_(limits) {}

  /// NOT_FOUND when absent, INVALID_ARGUMENT (naming the digest) when it is no canonical Directory.
  absl::StatusOr<std::shared_ptr<const reapi::Directory>> read(const digest& id);

private:
  backend& from_;
  absolute_symlinks policy_;
  const tree_limits& limits_;
  std::unordered_map<digest, std::shared_ptr<const reapi::Directory>> known_;
};

} // namespace expbuild
