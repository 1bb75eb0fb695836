#pragma once
#include "storage/backend.hpp"

#include <absl/status/statusor.h>

#include <vector>

namespace expbuild {

/// Every blob that an ActionResult promises: output files, Trees and the files that they name,
/// stdout, stderr, and Directories only where root_directory_digest is set (clients upload the
/// Tree, not the Directories in it). Each digest once. Reads the Trees: NOT_FOUND when one is
/// absent, INVALID_ARGUMENT when the result or a Tree is malformed or the Trees are together larger
/// than `max_tree_bytes`. Each is read once (once more when it is named with a root Directory and
/// without). Blocks.
absl::StatusOr<std::vector<digest>> referenced_blobs(backend& from,
                                                     const reapi::ActionResult& result,
                                                     digest_function function,
                                                     std::int64_t max_tree_bytes = 256 << 20);

} // namespace expbuild
