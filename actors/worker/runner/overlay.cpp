#include "actors/worker/runner/overlay.hpp"

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <utility>

namespace expbuild::runner {

namespace {

/// Layers are named by descriptor: a path would need quoting, and the command could read it in
/// /proc/mounts.
problem add_layer(int context, const char* option, const std::string& path, descriptor& layer) {
  layer = descriptor(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!layer)
    return failed("opening " + path);
  const auto name = "/proc/self/fd/" + std::to_string(layer.get());
  if (::fsconfig(context, FSCONFIG_SET_STRING, option, name.c_str(), 0) != 0)
    return failed(std::string("setting the overlay's ") + option);
  return {};
}

/// What an overlay over a tree of ours needs, and that a crash may lose it: nobody reads it after.
problem set_options(int context, bool in_user_namespace) {
  const std::array<std::pair<const char*, const char*>, 3> options{
      {{"index", "off"}, {"xino", "off"}, {"metacopy", "off"}}};
  for (const auto& [name, value] : options)
    if (::fsconfig(context, FSCONFIG_SET_STRING, name, value, 0) != 0)
      return failed(std::string("setting the overlay's ") + name);
  if (::fsconfig(context, FSCONFIG_SET_FLAG, "volatile", nullptr, 0) != 0)
    return failed("making the overlay volatile");
  // Marks of the overlay are trusted.* attributes, which only root may set, or user.* ones, which
  // exclude that folders of the lower tree are renamed (EXDEV; mv copies then).
  if (in_user_namespace) {
    if (::fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", nullptr, 0) != 0)
      return failed("keeping the overlay's marks in user attributes");
  } else if (::fsconfig(context, FSCONFIG_SET_STRING, "redirect_dir", "on", 0) != 0) {
    return failed("setting the overlay's redirect_dir");
  }
  return {};
}

/// Removes what an overlay left in its work folder, whose folders have no permissions at all.
void remove_work(const std::string& path) {
  const std::array<std::string, 4> folders{path, path + "/work", path + "/work/incompat",
                                           path + "/work/incompat/volatile"};
  for (const auto& folder : folders)
    ::chmod(folder.c_str(), 0700);
  ::unlink((folders.back() + "/dirty").c_str());
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder)
    ::rmdir(folder->c_str());
}

} // namespace

problem make_overlay(const v1::Overlay& spec, bool in_user_namespace, descriptor& mount) {
  const descriptor context(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context)
    return failed("opening the overlay filesystem");
  std::array<descriptor, 3> layers; // open until it is made
  if (auto x = add_layer(context.get(), "lowerdir", spec.lower(), layers[0]))
    return x;
  if (auto x = add_layer(context.get(), "upperdir", spec.upper(), layers[1]))
    return x;
  if (auto x = add_layer(context.get(), "workdir", spec.work(), layers[2]))
    return x;
  if (auto x = set_options(context.get(), in_user_namespace))
    return x;
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return failed("making the overlay");
  mount =
      descriptor(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  return mount ? problem{} : failed("mounting the overlay");
}

problem try_overlay(const std::string& scratch, bool in_user_namespace) {
  auto folder = scratch + "/.overlay-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr)
    return failed("making a folder in " + scratch);
  problem found;
  const std::array<std::string, 3> parts{folder + "/lower", folder + "/upper", folder + "/work"};
  for (const auto& part : parts)
    if (!found && ::mkdir(part.c_str(), 0700) != 0)
      found = failed("making " + part);
  if (!found) {
    v1::Overlay spec;
    spec.set_lower(parts[0]);
    spec.set_upper(parts[1]);
    spec.set_work(parts[2]);
    descriptor mount;
    found = make_overlay(spec, in_user_namespace, mount);
  }
  remove_work(parts[2]);
  ::rmdir(parts[1].c_str());
  ::rmdir(parts[0].c_str());
  ::rmdir(folder.c_str());
  return found;
}

} // namespace expbuild::runner
