#include "actors/platform.hpp"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/strip.h>

#include <array>
#include <sys/utsname.h>

namespace expbuild {

namespace {

/// Said by clients about the action itself; no worker declares them.
bool describes_a_need(const std::string& name) {
  static constexpr std::array<const char*, 12> needs{
      "EstimatedCPU",          "EstimatedMemory",     "EstimatedFreeDiskBytes",
      "EstimatedComputeUnits", "resources:cpu",       "resources:memory",
      "default-timeout",       "persistentWorkerKey", "persistentWorkerProtocol",
      "dockerNetwork",         "dockerUser",          "recycle-runner"};
  for (const auto* need : needs)
    if (name == need)
      return true;
  return absl::StartsWith(name, "label:");
}

constexpr auto image_property = "container-image";

std::string normal_value(const std::string& name, const std::string& value) {
  if (name == image_property)
    return std::string(absl::StripPrefix(value, "docker://"));
  if (name != "OSFamily" && name != "Arch" && name != "Pool")
    return value;
  const auto lower = absl::AsciiStrToLower(value);
  if (name == "Arch" && lower == "amd64")
    return "x86_64";
  if (name == "Arch" && lower == "arm64")
    return "aarch64";
  return lower;
}

/// A '*' is anything at all, tags and slashes included, and stands at the end.
bool covers(const std::string& name, const std::string& offered, const std::string& value) {
  if (name == image_property && absl::EndsWith(offered, "*"))
    return absl::StartsWith(value, offered.substr(0, offered.size() - 1));
  return offered == value;
}

bool offers(const platform_properties& offered, const std::string& name, const std::string& value) {
  const auto [first, last] = offered.equal_range(name);
  for (auto i = first; i != last; ++i)
    if (covers(name, normal_value(name, i->second), normal_value(name, value)))
      return true;
  return name == image_property && value == "none" && first == last;
}

platform_properties from_proto(const reapi::Platform& x) {
  platform_properties result;
  for (const auto& property : x.properties())
    result.emplace(property.name(), property.value());
  return result;
}

} // namespace

platform_properties platform_of(const reapi::Action& action, const reapi::Command& command) {
  return from_proto(action.platform().properties_size() > 0 ? action.platform()
                                                            : command.platform());
}

std::optional<std::string> first_mismatch(const platform_properties& wanted,
                                          const platform_properties& offered) {
  for (const auto& [name, value] : wanted)
    if (!describes_a_need(name) && !offers(offered, name, value))
      return name + "=" + value;
  return std::nullopt;
}

std::string platform_key(const platform_properties& wanted) {
  std::multimap<std::string, std::string> sorted;
  for (const auto& [name, value] : wanted)
    if (!describes_a_need(name))
      sorted.emplace(name, normal_value(name, value));
  std::string key;
  for (const auto& [name, value] : sorted)
    key.append(name).append(1, '\0').append(value).append(1, '\0');
  return key;
}

std::string to_string(const platform_properties& x) {
  std::string text;
  for (const auto& [name, value] : x)
    text.append(text.empty() ? "" : ", ").append(name).append("=").append(value);
  return text.empty() ? "no properties" : text;
}

platform_properties host_platform() {
  utsname system{};
  ::uname(&system);
  return {{"OSFamily", absl::AsciiStrToLower(std::string(system.sysname))},
          {"Arch", std::string(system.machine)}};
}

platform_properties docker_platform(const std::string& image,
                                    const std::vector<std::string>& allowed_images) {
  auto offered = host_platform();
  offered.emplace("container", "docker");
  offered.emplace(image_property, image);
  for (const auto& pattern : allowed_images)
    offered.emplace(image_property, pattern);
  return offered;
}

std::string container_image_of(const platform_properties& wanted) {
  const auto found = wanted.find(image_property);
  return found == wanted.end() || found->second == "none"
             ? ""
             : normal_value(image_property, found->second);
}

} // namespace expbuild
