#include "config/problems.hpp"

#include <algorithm>

namespace expbuild {

std::string to_string(const config_problem& x) {
  auto text = x.file;
  if (x.line > 0)
    text += ":" + std::to_string(x.line) + ":" + std::to_string(x.column);
  return text + (x.how_bad == config_problem::severity::error ? ": error: " : ": warning: ")
         + x.message;
}

bool has_errors(const config_problems& all) {
  return std::any_of(all.begin(), all.end(), [](const config_problem& x) {
    return x.how_bad == config_problem::severity::error;
  });
}

} // namespace expbuild
