#pragma once
#include "actors/interfaces.hpp"
#include "storage/io_pool.hpp"
#include "storage/result_store.hpp"

namespace expbuild {

struct purge_place {
  std::shared_ptr<result_store> results;
  std::shared_ptr<io_pool> io;
  action_cache_actor cache; ///< hears of every result that goes (results_removed), and of the end
};

/// Goes through the results on the I/O pool, some hundred at a time: other work has its turn in
/// between. Returns at once; `answer` comes when what was removed has reached the disk.
/// CANCELLED, saying how far it came, when it was given up.
void run_purge(const purge_place& where, const purge_results& request, store_seconds now,
               const reply<purge_report>& answer);

} // namespace expbuild
