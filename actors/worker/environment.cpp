#include "actors/worker/environment.hpp"

#include <algorithm>
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
  return result;
}

environment with_path(environment x) {
  if (std::none_of(x.begin(), x.end(), [](const auto& each) { return each.first == "PATH"; }))
    x.emplace_back("PATH", "/usr/local/bin:/usr/bin:/bin");
  return x;
}

environment whitelisted(const std::vector<std::string>& names) {
  environment result;
  for (const auto& name : names)
    if (const auto* value = std::getenv(name.c_str())) // NOLINT(concurrency-mt-unsafe): at start
      result.emplace_back(name, value);
  return result;
}

} // namespace expbuild
