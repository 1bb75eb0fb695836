#pragma once
#include <absl/status/status.h>

#include <functional>
#include <string>

namespace expbuild {

/// Calls `visit` with every name in the folder `path` beneath `dirfd` ("." is the folder itself),
/// without "." and "..", in no order. Stops at the first error. A folder that is no folder counts
/// as empty.
absl::Status list_folder(int dirfd, const std::string& path,
                         const std::function<absl::Status(const std::string&)>& visit);

} // namespace expbuild
