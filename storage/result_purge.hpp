#pragma once
#include "storage/result_store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace expbuild {

/// Which results; one must fit in all that is set.
struct result_filter {
  std::string worker = {};                          ///< who made it; empty: anybody
  std::string mnemonic = {};                        ///< empty: any
  std::optional<store_seconds> stored_before = {};  ///< and not then
  std::optional<store_seconds> stored_after = {};   ///< or then
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

/// Goes through all results of a store, some at a time, and removes those that a filter names. What
/// is stored after it began stays: it is looked at before it is removed, and only what was looked at
/// is removed. Blocks on a disk; one thread at a time.
class result_purge {
public:
  result_purge(std::shared_ptr<result_store> results, result_filter filter, bool dry_run,
               store_seconds began)
      : results_(std::move(results)), filter_(std::move(filter)), dry_run_(dry_run),
        began_(began) {}

  /// Looks at up to `count` more, and adds the actions whose results are gone to `removed`. An error
  /// is the store's; what was removed before it stays removed.
  absl::Status step(std::size_t count, std::vector<digest>& removed);

  /// All were looked at.
  bool is_over() const noexcept { return over_; }

  const purge_report& report() const noexcept { return report_; }

private:
  absl::Status look_at(const digest& action, std::vector<digest>& removed);
  void note(const digest& action, const stored_result& x);

  const std::shared_ptr<result_store> results_;
  const result_filter filter_;
  const bool dry_run_;
  const store_seconds began_;
  std::uint64_t from_ = 0;
  bool over_ = false;
  purge_report report_;
};

} // namespace expbuild
