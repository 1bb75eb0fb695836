#pragma once
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/presence_table.hpp"
#include "actors/traced_actor.hpp"
#include "storage/io_pool.hpp"

#include <memory>

namespace expbuild {

struct cas_options {
  std::shared_ptr<backend> store;
  std::shared_ptr<io_pool> io;
  std::shared_ptr<metrics> meters;
  /// What the store held at start.
  presence_table present;
  /// Blobs being written at once, over all clients; beyond it RESOURCE_EXHAUSTED.
  std::uint64_t max_open_writes = 4096;
};

/// Decides from memory what is present and who may write; opening files is the I/O pool's work.
class cas_state {
public:
  static inline const char* name = "cas";
  using pointer = traced_pointer<cas_actor, cas_state>;

  explicit cas_state(pointer selfptr) : self(selfptr) {}

  void find(const find_missing& request, const reply<missing_blobs>& answer);
  void find_hash(const find_by_hash& request, const reply<std::optional<digest>>& answer);
  void open(const open_blobs& request, const reply<opened_blobs>& answer);
  void begin_all(const begin_writes& request, const reply<begun_writes>& answer);
  void stored(const blobs_stored& event, const reply<unit>& answer);
  void lost(const blobs_lost& event);
  cas_stats stats() const;

  pointer self;
  cas_options options;
  std::uint64_t open_writes = 0;

private:
  void report() const;
};

cas_actor::behavior_type cas(cas_state::pointer self, cas_options options);

} // namespace expbuild
