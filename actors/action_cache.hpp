#pragma once
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/traced_actor.hpp"
#include "storage/io_pool.hpp"
#include "storage/result_store.hpp"

namespace expbuild {

struct action_cache_options {
  std::shared_ptr<result_store> results;
  std::shared_ptr<backend> store; ///< for Trees and inlining
  std::shared_ptr<io_pool> io;
  std::shared_ptr<metrics> meters;
  cas_actor blobs;
};

/// A hit is complete or it is no hit: every blob that a result names is looked up in the CAS, on
/// the way in and on the way out. Nothing but this actor writes results.
action_cache_actor::behavior_type
action_cache(traced_pointer<action_cache_actor, struct action_cache_state> self,
             action_cache_options options);

struct action_cache_state {
  static inline const char* name = "action_cache";
  action_cache_state() {} // NOLINT: CAF must not take it for an aggregate
};

} // namespace expbuild
