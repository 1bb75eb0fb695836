#pragma once
#include "expbuild/admin/v1/admin.pb.h"

#include <string>

/// What is made of answers of the admin service, by the daemon and by rectl alike.

namespace expbuild {

/// A shell script that runs the same command on the same inputs in a new folder, by rectl and
/// without any worker. `server` is where rectl finds the inputs.
std::string reproduce_script(const admin::v1::ActionDetails& action, const std::string& server);

/// Trace events as Chrome's tracing and Perfetto show them: an actor is a thread, a message an
/// arrow. https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
std::string chrome_trace(const admin::v1::Trace& trace);

} // namespace expbuild
