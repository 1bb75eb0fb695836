#pragma once
#include "storage/digest.hpp"
#include "storage/disk/disk_file.hpp"

#include <functional>
#include <string>

namespace expbuild {

/// Stores of format 1 had a file a result, ROOT/results/FUNCTION/AA/HASH-SIZE. Hands each record to
/// `keep`, asks `sync` to bring them to the disk, and removes the files then. What is no record of
/// ours is left where it is. Does nothing when there are none; goes on where it was stopped.
absl::Status take_over_older_results(
    const disk_folder& root, const std::function<bool()>& go_on,
    const std::function<absl::Status(const digest& action, const std::string& record)>& keep,
    const std::function<absl::Status()>& sync);

} // namespace expbuild
