#pragma once
/// The Remote Execution API's messages under a name that can be read.
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"

namespace expbuild {
namespace reapi = build::bazel::remote::execution::v2;
} // namespace expbuild
