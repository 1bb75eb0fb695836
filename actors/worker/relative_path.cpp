#include "actors/worker/relative_path.hpp"

#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <vector>

namespace expbuild {

namespace {

absl::Status bad(const char* field, const std::string& path, const char* how) {
  return absl::InvalidArgumentError(std::string(field) + " '" + path + "' " + how);
}

} // namespace

absl::StatusOr<std::string> resolve_path(const std::string& base, const std::string& path,
                                         const char* field) {
  if (path.find('\0') != std::string::npos)
    return bad(field, path, "contains a NUL character");
  if (!path.empty() && path.front() == '/')
    return bad(field, path, "is absolute; it must be relative");
  std::vector<std::string> parts = absl::StrSplit(base, '/', absl::SkipEmpty());
  const std::vector<std::string> steps = absl::StrSplit(path, '/', absl::SkipEmpty());
  for (const auto& step : steps) {
    if (step == ".")
      continue;
    if (step != "..") {
      parts.push_back(step);
      continue;
    }
    if (parts.empty())
      return bad(field, path, "leaves the input root");
    parts.pop_back();
  }
  return absl::StrJoin(parts, "/");
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

} // namespace expbuild
