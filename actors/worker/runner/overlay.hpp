#pragma once
#include "actors/worker/runner/descriptor.hpp"
#include "actors/worker/runner/problem.hpp"
#include "expbuild/runner/v1/runner.pb.h"

namespace expbuild::runner {

/// Makes an overlay that is mounted nowhere yet: `mount` is a descriptor of its root, which reads
/// and writes at once, can be attached by move_mount in any mount namespace, and keeps the overlay
/// alive after that namespace has died. No set-uid programs and no devices work in it.
/// `in_user_namespace`: we are no real root.
problem make_overlay(const expbuild::runner::v1::Overlay& spec, bool in_user_namespace,
                     descriptor& mount);

/// Whether make_overlay works with folders in `scratch`, which it leaves as it was.
problem try_overlay(const std::string& scratch, bool in_user_namespace);

} // namespace expbuild::runner
