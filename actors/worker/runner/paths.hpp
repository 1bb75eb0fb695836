#pragma once
#include <string>
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

} // namespace expbuild::runner
