#pragma once
#include <absl/status/statusor.h>

#include <string>

namespace expbuild {

/// A path of the client, relative to the input root, without ".", ".." or empty parts: safe to be
/// opened beneath the root. Empty: the root itself.
///
/// `base` is such a path already (the working directory); `path` is taken relative to it and may
/// use ".." as long as it stays inside. INVALID_ARGUMENT names `field` and the value.
absl::StatusOr<std::string> resolve_path(const std::string& base, const std::string& path,
                                         const char* field);

/// Everything before the last slash; empty when there is none.
std::string parent_of(const std::string& path);

/// What follows the last slash.
std::string name_of(const std::string& path);

} // namespace expbuild
