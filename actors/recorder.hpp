#pragma once
#include "actors/interfaces.hpp"
#include "actors/trace_index.hpp"
#include "actors/traced_actor.hpp"

namespace expbuild {

/// Finds the message trace of an operation in the rings, or where it was kept.
class recorder_state {
public:
  static inline const char* name = "recorder";
  using pointer = traced_pointer<recorder_actor, recorder_state>;

  recorder_state() {} // NOLINT: CAF must not take it for an aggregate

  void add(name_trace& event);
  void keep(const keep_trace& event);
  absl::StatusOr<recorded_trace> find(const trace_of& request) const;

  trace_index index{trace_index_options{}};
};

recorder_actor::behavior_type recorder(recorder_state::pointer self, trace_index_options options);

} // namespace expbuild
