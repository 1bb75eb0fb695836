#pragma once
#include "storage/reapi.hpp"

#include <chrono>

namespace expbuild {

/// Makes the timestamps complete and rising, in the order of the steps: a step that was not
/// reached, or that the clock put before its predecessor, takes the time of that. Without any, all
/// are `now`.
void complete_times(reapi::ExecutedActionMetadata& x, std::chrono::system_clock::time_point now);

/// Between two steps of complete times; zero when one is absent.
std::chrono::nanoseconds between(const google::protobuf::Timestamp& from,
                                 const google::protobuf::Timestamp& to);

} // namespace expbuild
