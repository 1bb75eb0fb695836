#pragma once
#include "storage/digest.hpp"
#include "storage/stored_result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What a purge of results is asked for, and what it answers.

namespace expbuild {

/// Which results; one must fit in all that is set.
struct result_filter {
  std::string worker = {};                         ///< who made it; empty: anybody
  std::string mnemonic = {};                       ///< empty: any
  std::optional<store_seconds> stored_before = {}; ///< and not then
  std::optional<store_seconds> stored_after = {};  ///< or then
};

bool fits(const result_filter& filter, const stored_result& x);

struct purge_sample {
  digest action;
  std::string worker;
  result_origin origin;
};

struct purge_report {
  std::uint64_t looked_at = 0;
  std::uint64_t matched = 0;
  std::int64_t matched_bytes = 0; ///< of their records
  std::uint64_t removed = 0;      ///< 0 in a dry run
  std::int64_t removed_bytes = 0;
  std::vector<purge_sample> samples; ///< the first `max_purge_samples` that matched
};

inline constexpr std::size_t max_purge_samples = 100;

} // namespace expbuild
