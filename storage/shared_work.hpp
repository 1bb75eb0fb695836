#pragma once
#include "storage/io_pool.hpp"

#include <absl/status/status.h>

#include <cstddef>
#include <functional>

namespace expbuild {

/// Calls `work(0)` to `work(count - 1)`, each once, in no order, and returns when all have
/// returned. The caller works, and so do up to `helpers` threads of the lane as far as they are
/// free meanwhile: it never waits for one to become free, so it may stand on that lane itself.
/// After a failure no more is begun, and the first one is answered. Without a pool nobody helps.
/// `work` runs on several threads at a time.
absl::Status share_work(io_pool* io, io_pool::lane where, std::size_t count, std::size_t helpers,
                        const std::function<absl::Status(std::size_t)>& work);

} // namespace expbuild
