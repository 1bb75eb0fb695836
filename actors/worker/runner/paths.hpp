#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace expbuild::runner {

/// "/a", "/a/b", "/a/b/c" for "/a/b/c".
inline std::vector<std::string> folders_on_the_way(const std::string& path) {
  std::vector<std::string> found;
  for (auto slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1))
    found.push_back(path.substr(0, slash));
  if (path.size() > 1 && path.back() != '/')
    found.push_back(path);
  return found;
}

/// Beneath what every command has for itself.
inline bool is_temporary(std::string_view path) {
  for (const std::string_view top : {"/tmp/", "/var/tmp/", "/dev/shm/"})
    if (path.substr(0, top.size()) == top)
      return true;
  return false;
}

} // namespace expbuild::runner
