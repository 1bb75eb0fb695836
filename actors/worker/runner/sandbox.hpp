#pragma once
#include "actors/worker/runner/control_groups.hpp"
#include "actors/worker/runner/descriptor.hpp"
#include "actors/worker/runner/joined_container.hpp"
#include "actors/worker/runner/network.hpp"
#include "actors/worker/runner/private_root.hpp"
#include "actors/worker/runner/problem.hpp"
#include "actors/worker/runner/syscall_filter.hpp"
#include "expbuild/runner/v1/runner.pb.h"

#include <optional>
#include <string>
#include <vector>

namespace expbuild::runner {

/// How this runner treats commands: what Setup asked for, as far as the system gives it. Made once;
/// every command then starts from here.
struct sandbox {
  v1::Setup asked;
  bool root = false;           ///< we may switch users
  bool user_namespace = false; ///< we are in one of our own, with all rights in it
  bool pid_namespaces = false;
  bool overlays = false;
  std::string no_overlays; ///< why not
  std::vector<v1::Lack> lacks;

  std::optional<joined_container> container; ///< that commands are put into
  std::optional<private_root> file_tree;     ///< only with isolation by namespaces, as the next two
  std::optional<own_network> network;        ///< none: the host's
  std::optional<syscall_filter> filter;
  control_groups groups;
  memory_watch memory;              ///< of the group that commands are in
  bool processes_by_rlimit = false; ///< no group counts them, but our user namespace does
  descriptor self;                  ///< pidfd of this process, for children to see whether it lives
  std::string memory_score;         ///< oom_score_adj that commands get; empty: as it is
};

/// Tries everything out, a whole command included. Enters a user namespace when we are not root.
sandbox set_up(const v1::Setup& asked);

} // namespace expbuild::runner
