#include "storage/result_purge.hpp"

namespace expbuild {

namespace {

constexpr std::size_t max_worker_bytes = 256;

} // namespace

bool fits(const result_filter& filter, const stored_result& x) {
  const auto at = x.origin.stored_at;
  return (filter.worker.empty() || x.result.execution_metadata().worker() == filter.worker)
         && (filter.mnemonic.empty() || x.origin.mnemonic == filter.mnemonic)
         && (!filter.stored_before || at < *filter.stored_before)
         && (!filter.stored_after || at >= *filter.stored_after);
}

absl::Status result_purge::step(std::size_t count, std::vector<digest>& removed) {
  const auto actions = results_->list(from_, count);
  over_ = actions.empty();
  for (const auto& action : actions)
    if (auto status = look_at(action, removed); !status.ok())
      return status;
  return absl::OkStatus();
}

absl::Status result_purge::look_at(const digest& action, std::vector<digest>& removed) {
  const auto found = results_->peek(action);
  if (absl::IsNotFound(found.status()))
    return absl::OkStatus(); // it has gone since it was listed
  if (!found.ok())
    return found.status();
  ++report_.looked_at;
  if (found->origin.stored_at > began_ || !fits(filter_, *found))
    return absl::OkStatus();
  note(action, *found);
  if (dry_run_)
    return absl::OkStatus();
  const auto gone = results_->remove_record(action, found->serial);
  if (!gone.ok())
    return gone.status();
  if (!*gone) // replaced since: that one stays
    return absl::OkStatus();
  removed.push_back(action);
  ++report_.removed;
  report_.removed_bytes += found->bytes;
  return absl::OkStatus();
}

void result_purge::note(const digest& action, const stored_result& x) {
  ++report_.matched;
  report_.matched_bytes += x.bytes;
  if (report_.samples.size() >= max_purge_samples)
    return;
  auto worker = x.result.execution_metadata().worker();
  cut(worker, max_worker_bytes); // a client may have stored any
  report_.samples.push_back({action, std::move(worker), x.origin});
}

} // namespace expbuild
