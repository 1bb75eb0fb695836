#pragma once
#include <caf/actor_system.hpp>
#include <caf/error.hpp>

#include <string>

namespace expbuild {

/// Why an actor died, for people: the words that it quit with, if it said any.
inline std::string exit_reason(const caf::actor_system& system, const caf::error& reason) {
  const auto& said = reason.context();
  if (said.size() == 1 && said.match_element<std::string>(0))
    return said.get_as<std::string>(0);
  return system.render(reason);
}

} // namespace expbuild
