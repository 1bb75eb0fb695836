#pragma once
#include "actors/metrics.hpp"
#include "actors/worker/executor.hpp"
#include "storage/digest.hpp"

namespace expbuild {

/// What the metadata of an attempt says of its command: times, and what it used.
void describe(const command_ended& ended, reapi::ExecutedActionMetadata& to);

/// For a command that was killed for its memory: what it had and what it took, in words.
std::string out_of_memory(const command_ended& ended);

/// Where the time of an attempt went; a stage that was not reached is not counted.
void report_stages(pool_meter& meter, const reapi::ExecutedActionMetadata& x);

} // namespace expbuild
