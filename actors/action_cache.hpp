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
  /// A result that was stored longer ago is a miss, and removed when it is met; hits do not make it
  /// younger. 0: none is too old.
  store_seconds ttl = 0;
  store_clock clock = make_store_clock();
  /// Of results that are answered without a disk; 0: none.
  std::size_t max_remembered_bytes = std::size_t{32} << 20;
};

/// A hit is complete or it is no hit: every blob that a result names is looked up in the CAS, on
/// the way in and on the way out. Nothing but this actor writes results, and removes them.
struct action_cache_state {
  using pointer = traced_pointer<action_cache_actor, action_cache_state>;
  static inline const char* name = "action_cache";

  struct known {
    cached_result result;
    std::shared_ptr<const std::vector<digest>> named; ///< every blob of it, the leaves of Trees too
    store_seconds stored_at = 0;
  };
  using memory = bounded_cache<digest, known>;

  explicit action_cache_state(pointer owner) : self(owner) {}

  void get(const get_result& request, const reply<cached_result>& answer);
  void put(const put_result& request, const reply<unit>& answer);
  void purge(const purge_results& request, const reply<purge_report>& answer);
  void remember(result_known& event);
  void forget(const results_removed& event);

  pointer self;
  std::shared_ptr<const action_cache_options> options;
  memory remembered{0};
  std::uint64_t changes = 0;  ///< results stored since the start, and removals
  std::uint64_t removals = 0; ///< since the start, of some at a time
  bool purging = false;
};

action_cache_actor::behavior_type action_cache(action_cache_state::pointer self,
                                               action_cache_options options);

} // namespace expbuild
