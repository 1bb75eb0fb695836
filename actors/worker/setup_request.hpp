#pragma once
#include "actors/worker/host_sandbox.hpp"
#include "expbuild/runner/v1/runner.pb.h"

namespace expbuild {

/// The first request to a runner.
runner::v1::Request setup_request(const host_sandbox& sandbox);

} // namespace expbuild
