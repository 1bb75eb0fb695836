#pragma once
#include <fstream>
#include <sstream>
#include <string>

namespace expbuild::runner {

/// All that a small file says, most often one of the kernel's; empty when it can not be read. A
/// process or a group may end between the opening and the reading (ESRCH, ENODEV): iterators over
/// the file would throw then, an insertion does not.
inline std::string text_of(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

} // namespace expbuild::runner
