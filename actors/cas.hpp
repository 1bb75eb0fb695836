#pragma once
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/space_budget.hpp"
#include "actors/space_keeper.hpp"
#include "actors/traced_actor.hpp"
#include "actors/write_admission.hpp"
#include "storage/io_pool.hpp"
#include "storage/store_clock.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace expbuild {

struct cas_options {
  std::shared_ptr<backend> store;
  std::shared_ptr<io_pool> io;
  std::shared_ptr<metrics> meters;
  space_limits limits = {};
  /// How long a blob stays for sure after somebody was told that it is there.
  std::chrono::seconds lease{3 * 3600};
  store_clock clock = make_store_clock();
  /// Blobs being written at once, over all clients; beyond it RESOURCE_EXHAUSTED.
  std::uint64_t max_open_writes = 4096;
  /// Requests that wait for room at once.
  std::size_t max_waiting = 1024;
};

/// Knows from memory what is present and promises it; asks others who may write
/// (`write_admission`) and what must go (`space_keeper`). The disk is the I/O pool's work. Looking
/// a blob up and promising it is one step.
class cas_state {
public:
  static inline const char* name = "cas";
  using pointer = traced_pointer<cas_actor, cas_state>;

  explicit cas_state(pointer selfptr) : self(selfptr) {}

  void find(const find_missing& request, const reply<missing_blobs>& answer);
  void find_hash(const find_by_hash& request, const reply<std::optional<digest>>& answer);
  void open(const open_blobs& request, const reply<opened_blobs>& answer);
  void admit(const admit_writes& request, const reply<admitted_writes>& answer);
  void begin_all(const begin_writes& request, const reply<begun_writes>& answer);
  void stored(const blobs_stored& event, const reply<unit>& answer);
  void lost(const blobs_lost& event);
  void ended(const writes_ended& event);
  void measured(const space_measured& event);
  cas_stats stats() const;

  /// Called once, before everything else.
  void begin(cas_options given);

  pointer self;
  cas_options options;

private:
  blob_index& index() { return options.store->index(); }
  store_seconds lease_seconds() const { return static_cast<store_seconds>(options.lease.count()); }
  write_wish wish_of(const admit_writes& request);
  room room_of(const digest& id) const;
  void grant(write_wish x, const reply<admitted_writes>& answer);
  /// Serves those who wait; when there is no room to be had, measures before it refuses them.
  void go_on();
  /// False: the first of those who wait can not be served, and nothing makes room for it.
  bool serve_waiting();
  bool makes_room_for(const write_wish& x);
  bool is_in_vain(const write_wish& x);
  void refuse(const write_wish& x, const reply<admitted_writes>& answer);
  void refuse_waiting();
  absl::Status full_of_promises(std::int64_t needed);
  void report() const;

  // Made by `begin`; the others know the budget.
  std::unique_ptr<space_budget> budget_;
  std::unique_ptr<space_keeper> space_;
  std::unique_ptr<write_admission> writes_;
};

cas_actor::behavior_type cas(cas_state::pointer self, cas_options options);

} // namespace expbuild
