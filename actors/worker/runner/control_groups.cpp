#include "actors/worker/runner/control_groups.hpp"

#include "actors/worker/runner/descriptor.hpp"
#include "actors/worker/runner/hierarchy.hpp"
#include "actors/worker/runner/small_file.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace expbuild::runner {

namespace {

constexpr auto prefix = "expbuild-";
/// Where the daemon itself goes when its group has to pass controllers on, which in version 2 only
/// a group without processes may.
constexpr auto daemon_group = "/expbuild-daemon";

problem put(const std::string& path, const std::string& text) {
  const descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0)
    return failed("writing " + path);
  return {};
}

bool has_word(const std::string& text, const std::string& word) {
  std::istringstream words(text);
  for (std::string each; words >> each;)
    if (each == word)
      return true;
  return false;
}

/// Groups of runners that could not remove theirs. One in use does not go.
void sweep(const std::string& parent) {
  auto* folder = ::opendir(parent.c_str());
  if (folder == nullptr)
    return;
  while (const auto* entry = ::readdir(folder)) // NOLINT: one thread
    if (std::string(entry->d_name).rfind(prefix, 0) == 0)
      ::unlinkat(::dirfd(folder), entry->d_name, AT_REMOVEDIR);
  ::closedir(folder);
}

/// Only where systemd has handed the group over (Delegate=).
problem move_members(const std::string& from, const std::string& to) {
  if (::getxattr(from.c_str(), "user.delegate", nullptr, 0) < 0
      && ::getxattr(from.c_str(), "trusted.delegate", nullptr, 0) < 0)
    return {EBUSY, from + " holds other processes and is not ours (Delegate=yes would make it so)"};
  if (::mkdir(to.c_str(), 0755) != 0 && errno != EEXIST)
    return failed("making " + to);
  std::ifstream members(from + "/cgroup.procs");
  for (std::string pid; std::getline(members, pid);)
    if (auto x = put(to + "/cgroup.procs", pid); x && x.error != ESRCH)
      return x;
  return {};
}

/// Makes a group's controller available in the groups beneath it.
problem pass_on(const std::string& group, const std::string& controller) {
  if (has_word(text_of(group + "/cgroup.subtree_control"), controller))
    return {};
  if (!has_word(text_of(group + "/cgroup.controllers"), controller))
    return {ENOENT, "looking for the controller " + controller + " in " + group};
  const auto passing = group + "/cgroup.subtree_control";
  auto x = put(passing, "+" + controller);
  if (x.error != EBUSY)
    return x;
  x = move_members(group, group + daemon_group);
  return x ? x : put(passing, "+" + controller);
}

} // namespace

problem control_groups::make_and_enter(const std::string& parent, std::string& folder) {
  sweep(parent);
  folder = parent + "/" + prefix + std::to_string(::getpid());
  // Another runner that starts may sweep it away before we are in.
  problem x;
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
      return failed("making " + folder);
    x = put(folder + "/cgroup.procs", std::to_string(::getpid()));
    if (x.error != ENOENT && x.error != ENODEV)
      break;
  }
  if (x) {
    ::rmdir(folder.c_str());
    return x;
  }
  folders_.push_back(folder);
  parents_.push_back(parent);
  return {};
}

problem control_groups::join_version_2(const std::string& controller, std::string& folder) {
  auto parent = control_group_of("self", "");
  if (!version_2_.empty())
    parent = parents_.back();
  const std::string daemons = daemon_group;
  if (parent.size() > daemons.size()
      && parent.compare(parent.size() - daemons.size(), daemons.size(), daemons) == 0)
    parent.erase(parent.size() - daemons.size());
  if (parent.empty())
    return {ENOENT, "looking for a control group with the controller " + controller};
  if (auto x = pass_on(parent, controller))
    return x;
  if (version_2_.empty())
    if (auto x = make_and_enter(parent, version_2_))
      return x;
  folder = version_2_;
  return {};
}

problem control_groups::join(const std::string& controller, std::string& folder) {
  const auto own = control_group_of("self", controller);
  return own.empty() ? join_version_2(controller, folder) : make_and_enter(own, folder);
}

problem control_groups::limit_processes(std::uint32_t count) {
  std::string folder;
  if (count == 0)
    return {};
  if (auto x = join("pids", folder))
    return x;
  return put(folder + "/pids.max", std::to_string(std::uint64_t{count} + 2)); // two are ours
}

problem control_groups::limit_memory(std::uint64_t bytes) {
  std::string folder;
  if (bytes == 0)
    return {};
  if (auto x = join("memory", folder))
    return x;
  memory_ = memory_watch(folder);
  const auto limit = std::to_string(bytes);
  if (folder == version_2_) {
    put(folder + "/memory.swap.max", "0"); // absent where there is no swap
    return put(folder + "/memory.max", limit);
  }
  if (auto x = put(folder + "/memory.limit_in_bytes", limit))
    return x;
  put(folder + "/memory.memsw.limit_in_bytes", limit); // absent where swap is not counted
  return {};
}

void control_groups::leave() {
  for (std::size_t i = 0; i < folders_.size(); ++i) {
    auto home = parents_[i];
    if (folders_[i] == version_2_ && ::access((home + daemon_group).c_str(), F_OK) == 0)
      home += daemon_group;
    put(home + "/cgroup.procs", std::to_string(::getpid()));
    ::rmdir(folders_[i].c_str());
  }
  folders_.clear();
  parents_.clear();
}

} // namespace expbuild::runner
