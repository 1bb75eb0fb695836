#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace expbuild {

/// Something that is wrong with a configuration file, or will not be as one might think.
struct config_problem {
  enum class severity { error, warning };
  severity how_bad = severity::error;
  std::string file;
  std::uint32_t line = 0; ///< 0: the file as a whole
  std::uint32_t column = 0;
  std::string message;
};

/// "FILE:LINE:COLUMN: error: MESSAGE"
std::string to_string(const config_problem& x);

/// All of them: a reader goes on after the first.
using config_problems = std::vector<config_problem>;

bool has_errors(const config_problems& all);

} // namespace expbuild
