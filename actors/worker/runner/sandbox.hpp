#pragma once
#include "actors/worker/runner/descriptor.hpp"
#include "actors/worker/runner/problem.hpp"
#include "expbuild/runner/v1/runner.pb.h"

#include <string>
#include <vector>

namespace expbuild::runner {

namespace v1 = expbuild::runner::v1;

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
};

/// Tries everything out. Enters a user namespace when we are not root.
sandbox set_up(const v1::Setup& asked);

} // namespace expbuild::runner
