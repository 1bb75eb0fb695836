#pragma once
#include "services/main/rectl/client.hpp"

#include <filesystem>
#include <functional>

namespace expbuild {

/// Calls `take` with the blob's bytes, piece by piece; goes on where a lost connection ended.
absl::Status read_remote(client& from, const digest& id,
                         const std::function<absl::Status(std::string_view)>& take);

/// As above, and DATA_LOSS at the end when what came is not that blob.
absl::Status read_verified(client& from, const digest& id,
                           const std::function<absl::Status(std::string_view)>& take);

/// The whole blob in memory.
absl::StatusOr<std::string> read_remote(client& from, const digest& id);

/// Writes the outputs that a result names beneath `folder`, replacing files that are there. The
/// server is not trusted: nothing is written outside, whatever the paths say.
absl::Status download_outputs(client& from, const reapi::ActionResult& result,
                              const std::filesystem::path& folder);

/// Writes a tree into `folder`, as above; `root` names a Directory or a Tree. `progress` hears of
/// the bytes of its files.
absl::Status download_tree(client& from, const digest& root, const std::filesystem::path& folder,
                           const std::function<void(std::int64_t)>& progress);

} // namespace expbuild
