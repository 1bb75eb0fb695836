#pragma once
#include "actors/trace.hpp"
#include "services/service_context.hpp"

#include <utility>

namespace expbuild {

/// Posts disk work to the I/O pool and keeps its place in the trace. False, and `work` is dropped,
/// when the lane is full: answer `pool_is_full()`.
template <class Work>
bool post_work(const service_context& context, io_pool::lane lane, Work work) {
  return context.io->post(lane, [here = current_trace(), work = std::move(work)]() mutable {
    const trace_scope scope(here);
    work();
  });
}

/// Lets go of something whose destruction may touch the disk (an unfinished writer), in the pool.
template <class T>
void let_go(const service_context& context, std::shared_ptr<T> x) {
  if (x)
    context.io->post(io_pool::lane::short_work, [x = std::move(x)]() mutable { x.reset(); });
}

} // namespace expbuild
