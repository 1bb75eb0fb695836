#include "actors/worker/environment.hpp"

#include <cstdlib>
#include <set>

namespace expbuild {

environment make_environment(const reapi::Command& command, const environment& base) {
  environment result;
  std::set<std::string> known;
  for (const auto& x : command.environment_variables()) {
    result.emplace_back(x.name(), x.value());
    known.insert(x.name());
  }
  for (const auto& x : base)
    if (known.insert(x.first).second)
      result.push_back(x);
  if (known.insert("PATH").second)
    result.emplace_back("PATH", "/usr/local/bin:/usr/bin:/bin");
  return result;
}

environment whitelisted(const std::vector<std::string>& names) {
  environment result;
  for (const auto& name : names)
    if (const auto* value = std::getenv(name.c_str())) // NOLINT(concurrency-mt-unsafe): at start
      result.emplace_back(name, value);
  return result;
}

} // namespace expbuild
