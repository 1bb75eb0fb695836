#pragma once
#include "actors/worker/runner/descriptor.hpp"
#include "actors/worker/runner/problem.hpp"
#include "expbuild/runner/v1/runner.pb.h"

#include <string>
#include <vector>

namespace expbuild::runner {

/// Where a command sees its own folder: the same for every command on every worker, so that what it
/// writes about its place (debug information, for one) does not differ from run to run.
constexpr auto own_place = "/build";

/// The file tree that commands see: the system's programs read-only, a /dev with what is harmless,
/// empty places for /proc, /tmp and the command's own folder; nothing else of the host. Built once,
/// in a mount namespace of its own that no process lives in; every command gets a copy.
struct private_root {
  descriptor mounts;         ///< that namespace
  bool of_container = false; ///< it is a container's: its first process lives in it
};

problem make_private_root(const v1::Setup& asked, private_root& made);

/// What one command's copy is made of.
struct root_contents {
  int mounts = -1; ///< private_root::mounts
  bool of_container = false;
  std::vector<std::string> writable_paths = {}; ///< of a container
  int own_root = -1;                            ///< mount of the command's own folder
  std::uint64_t tmp_bytes = 0;
  bool read_only_proc = false; ///< for a command that runs as root, whom sysctls obey
};

/// For the first process of a new pid namespace: from now on it sees only this.
problem enter_private_root(const root_contents& contents);

/// A bind of `path` that is mounted nowhere yet, without set-uid programs and devices.
problem bind_folder(const std::string& path, descriptor& mount);

} // namespace expbuild::runner
