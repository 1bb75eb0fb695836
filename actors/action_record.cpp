#include "actors/action_record.hpp"

#include <array>

namespace expbuild {

namespace {

constexpr std::array<std::string_view, 7> outcomes{
    "success", "nonzero", "timeout", "cancelled", "infra_error", "cache_hit", "rejected"};

void mix(std::uint64_t& key, const std::string& path) {
  key = (key ^ std::hash<std::string>()(path)) * 0x9e3779b97f4a7c15;
}

} // namespace

std::uint64_t outputs_key(const reapi::Command& command) {
  std::uint64_t key = 0;
  for (const auto* paths :
       {&command.output_paths(), &command.output_files(), &command.output_directories()})
    for (const auto& path : *paths)
      mix(key, path);
  if (key != 0)
    mix(key, command.working_directory());
  return key;
}

std::string_view to_string(action_outcome x) {
  return outcomes.at(static_cast<std::size_t>(x));
}

} // namespace expbuild
