#pragma once
#include "storage/reapi.hpp"

#include <absl/status/status.h>
#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <memory>

namespace expbuild {

/// What an Execute stream ends with. `status` other than OK stands in the response, never in
/// Operation.error; its payloads become the details, of a list of missing blobs as many as a
/// message may hold. `result` may be null; its execution metadata are those given here.
std::shared_ptr<reapi::ExecuteResponse>
make_execute_response(const absl::Status& status, const reapi::ActionResult* result,
                      const reapi::ExecutedActionMetadata& metadata);

void set_time(google::protobuf::Timestamp& to, std::chrono::system_clock::time_point time);

} // namespace expbuild
