#include "actors/kept_traces.hpp"

namespace expbuild {

void kept_traces::keep(std::uint64_t trace, std::vector<trace_record> records) {
  if (records.size() > options_.max_records)
    records.resize(options_.max_records);
  if (traces_.insert_or_assign(trace, std::move(records)).second)
    order_.push_back(trace);
  if (order_.size() > options_.max_traces) {
    traces_.erase(order_.front());
    order_.pop_front();
  }
}

const std::vector<trace_record>* kept_traces::find(std::uint64_t trace) const {
  const auto found = traces_.find(trace);
  return found == traces_.end() ? nullptr : &found->second;
}

} // namespace expbuild
