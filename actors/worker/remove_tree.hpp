#pragma once
#include <absl/status/status.h>

#include <string>

namespace expbuild {

/// Removes `name` beneath `dirfd` with everything in it, whoever made it and whatever modes it
/// has, as far as our rights go. Follows no link. OK also when there is nothing. Blocks.
absl::Status remove_tree(int dirfd, const std::string& name);

} // namespace expbuild
