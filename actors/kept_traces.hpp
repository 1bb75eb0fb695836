#pragma once
#include "actors/trace.hpp"

#include <cstddef>
#include <deque>
#include <unordered_map>
#include <vector>

namespace expbuild {

struct kept_traces_options {
  std::size_t max_traces = 256;
  std::size_t max_records = 2000; ///< of one trace
};

/// Traces that stay although the rings go on: of what failed or was slow. The oldest go first.
/// Plain data.
class kept_traces {
public:
  explicit kept_traces(kept_traces_options options) : options_(options) {}

  void keep(std::uint64_t trace, std::vector<trace_record> records);

  /// Null when it is not kept.
  const std::vector<trace_record>* find(std::uint64_t trace) const;

private:
  kept_traces_options options_;
  std::deque<std::uint64_t> order_;
  std::unordered_map<std::uint64_t, std::vector<trace_record>> traces_;
};

} // namespace expbuild
