#pragma once
#include "actors/trace.hpp"
#include "storage/io_pool.hpp"

#include <utility>

namespace expbuild {

/// Posts work to the I/O pool and keeps its place in the trace: messages that the work sends
/// belong to the handler that posted it. False when the lane is full.
template <class Work>
bool in_background(io_pool& pool, io_pool::lane lane, Work work) {
  return pool.post(lane, [here = current_trace(), work = std::move(work)]() mutable {
    const trace_scope scope(here);
    work();
  });
}

} // namespace expbuild
