#include "actors/trace_index.hpp"

namespace expbuild {

namespace {

bool names(const std::string& name, const std::string& query) {
  return !name.empty() && name.compare(0, query.size(), query) == 0;
}

bool fits(const trace_index::entry& x, const std::string& query) {
  return names(x.operation, query) || names(x.action.hash(), query)
         || names(x.asker.invocation_id, query) || names(x.asker.correlated_invocations_id, query)
         || names(x.asker.target_id, query);
}

} // namespace

void trace_index::add(entry x) {
  entries_.push_back(std::move(x));
  if (entries_.size() > options_.max_names)
    entries_.pop_front();
}

void trace_index::keep(std::uint64_t trace, std::vector<trace_record> records) {
  if (records.size() > options_.max_kept_records)
    records.resize(options_.max_kept_records);
  if (kept_.insert_or_assign(trace, std::move(records)).second)
    kept_order_.push_back(trace);
  if (kept_order_.size() > options_.max_kept) {
    kept_.erase(kept_order_.front());
    kept_order_.pop_front();
  }
}

absl::StatusOr<trace_index::entry> trace_index::find(const std::string& query) const {
  if (query.size() < 6)
    return absl::InvalidArgumentError(
        "'" + query
        + "' is too short: give at least 6 characters of an operation "
          "name, an action hash, an invocation id or a target");
  const entry* found = nullptr;
  for (auto i = entries_.rbegin(); i != entries_.rend(); ++i) {
    if (!fits(*i, query))
      continue;
    if (found == nullptr)
      found = &*i;
    else if (names(found->operation, query) && found->operation != i->operation)
      return absl::InvalidArgumentError("'" + query + "' fits several operations: give more of it");
  }
  if (found == nullptr)
    return absl::NotFoundError("no recent operation, action, invocation or target '" + query + "'");
  return *found;
}

const std::vector<trace_record>* trace_index::kept(std::uint64_t trace) const {
  const auto found = kept_.find(trace);
  return found == kept_.end() ? nullptr : &found->second;
}

} // namespace expbuild
