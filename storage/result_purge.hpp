#pragma once
#include "storage/purge_report.hpp"
#include "storage/result_store.hpp"

#include <vector>

namespace expbuild {

/// Goes through all results of a store, some at a time, and removes those that a filter names. What
/// is stored after it began stays: it is looked at before it is removed, and only what was looked
/// at is removed. It ends, however much is stored meanwhile. Blocks on a disk; one thread at a
/// time.
class result_purge {
public:
  result_purge(std::shared_ptr<result_store> results, result_filter filter, bool dry_run,
               store_seconds began)
      : results_(std::move(results)), filter_(std::move(filter)), dry_run_(dry_run), began_(began) {
  }

  /// Looks at up to `count` more, and adds the actions whose results are gone to `removed`. An
  /// error is the store's; what was removed before it stays removed.
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
  result_cursor from_;
  bool over_ = false;
  purge_report report_;
};

} // namespace expbuild
