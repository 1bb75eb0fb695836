#pragma once
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/traced_actor.hpp"
#include "storage/bounded_cache.hpp"
#include "storage/io_pool.hpp"
#include "storage/result_store.hpp"

namespace expbuild {

struct action_cache_options {
  std::shared_ptr<result_store> results;
  std::shared_ptr<backend> store; ///< for Trees and inlining
  std::shared_ptr<io_pool> io;
  std::shared_ptr<metrics> meters;
  cas_actor blobs;
  /// Of results that are answered without a disk; 0: none.
  std::size_t max_remembered_bytes = std::size_t{32} << 20;
};

/// A hit is complete or it is no hit: every blob that a result names is looked up in the CAS, on
/// the way in and on the way out. Nothing but this actor writes results.
struct action_cache_state {
  using pointer = traced_pointer<action_cache_actor, action_cache_state>;
  static inline const char* name = "action_cache";

  struct known {
    cached_result result;
    std::shared_ptr<const std::vector<digest>> named; ///< every blob of it, the leaves of Trees too
  };
  using memory = bounded_cache<digest, known>;

  explicit action_cache_state(pointer owner) : self(owner) {}

  void get(const get_result& request, const reply<cached_result>& answer);
  void put(const put_result& request, const reply<unit>& answer);
  void remember(result_known& event);

  pointer self;
  std::shared_ptr<const action_cache_options> options;
  memory remembered{0};
  std::uint64_t changes = 0; ///< results stored since the start
};

action_cache_actor::behavior_type action_cache(action_cache_state::pointer self,
                                               action_cache_options options);

} // namespace expbuild
