#include "actors/worker/runner/hierarchy.hpp"

#include <fstream>
#include <sstream>

namespace expbuild::runner {

namespace {

bool lists(const std::string& comma_separated, const std::string& word) {
  std::istringstream words(comma_separated);
  for (std::string each; std::getline(words, each, ',');)
    if (each == word)
      return true;
  return false;
}

/// Where a hierarchy is mounted, and which of its groups is seen there as the top.
struct mounted {
  std::string at;
  std::string top;
};

/// A line is: id parent device ROOT MOUNTPOINT options... - TYPE source SUPEROPTIONS
mounted find_mount(const std::string& controller) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos)
      continue;
    std::istringstream before(line.substr(0, dash));
    std::istringstream after(line.substr(dash + 3));
    std::string skipped;
    std::string type;
    std::string options;
    mounted found;
    before >> skipped >> skipped >> skipped >> found.top >> found.at;
    after >> type >> skipped >> options;
    if (controller.empty() ? type == "cgroup2" : type == "cgroup" && lists(options, controller))
      return found;
  }
  return {};
}

/// Its group's path in the hierarchy. A line is: number:CONTROLLERS:PATH
std::string find_path(const std::string& process, const std::string& controller) {
  std::ifstream groups("/proc/" + process + "/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos)
      continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : lists(controllers, controller))
      return line.substr(second + 1);
  }
  return {};
}

} // namespace

std::string control_group_of(const std::string& process, const std::string& controller) {
  const auto mount = find_mount(controller);
  auto path = find_path(process, controller);
  if (mount.at.empty() || path.empty())
    return {};
  if (mount.top.size() > 1 && path.rfind(mount.top, 0) == 0)
    path.erase(0, mount.top.size());
  return path.size() > 1 ? mount.at + path : mount.at;
}

} // namespace expbuild::runner
