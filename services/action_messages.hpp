#pragma once
#include "actors/messages.hpp"

#include "expbuild/admin/v1/admin.pb.h"

namespace expbuild {

/// What actors know, as operators are told it. No thread, no disk, no actor.

admin::v1::Action describe(const action_record& x);
admin::v1::Trace describe(const recorded_trace& x);
admin::v1::Worker describe(const worker_status& x);

void describe(const platform_properties& from,
              google::protobuf::RepeatedPtrField<admin::v1::Property>& to);

/// "queued", "executing", ...
std::string_view to_string(execution_stage x);

} // namespace expbuild
