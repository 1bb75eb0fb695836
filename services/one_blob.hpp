#pragma once
#include "services/service_context.hpp"

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <memory>

/// What is asked of the cas actor for a single blob. Answers come on any thread, exactly once.

namespace expbuild {

using opened_blob = absl::StatusOr<std::shared_ptr<blob_reader>>;
void open_one(const service_context& context, const digest& id,
              std::function<void(opened_blob)> then);

/// Whether it is stored; if so it is promised.
void find_one(const service_context& context, const digest& id,
              std::function<void(absl::StatusOr<bool>)> then);

/// A writer, or null when the blob is there already.
using begun_write = absl::StatusOr<std::shared_ptr<blob_writer>>;
void begin_one(const service_context& context, const digest& id,
               std::function<void(begun_write)> then);

/// In the I/O pool: commits what was written, and lets it be promised; whoever waits for this blob
/// hears of it. Happens whether or not somebody still waits for `then`.
void commit_one(const context_ptr& context, blob_writer& writer, const digest& id,
                std::function<void(absl::Status)> then);

} // namespace expbuild
