#pragma once
#include "actors/job.hpp"

#include <absl/status/status.h>

#include <map>
#include <string>
#include <vector>

namespace expbuild {

/// Which workers there are or will be, by what they offer, and which of them can not come. Decides
/// whether an action could ever run here. Plain data.
class worker_catalogue {
public:
  /// What the configured workers declare, one entry a slot, alive or not.
  explicit worker_catalogue(std::vector<platform_properties> declared)
      : declared_(std::move(declared)) {}

  /// A worker has come.
  void came(const std::string& name, const platform_properties& platform);

  /// It can not come until something changes that is not ours to change: `why`, a
  /// FAILED_PRECONDITION, tells what. `came` takes it back.
  void can_not_come(const std::string& name, const platform_properties& platform,
                    const absl::Status& why);

  /// Those of these names (or beginnings of names with '*') of which it knows, here or not.
  std::vector<std::string> named(const std::vector<std::string>& names) const;

  /// OK: some worker can run this, now or once it has come. FAILED_PRECONDITION: none could, or
  /// none of those that could can come, and why; with a RetryInfo while some kind of worker has
  /// not come yet.
  absl::Status check(const platform_properties& wanted) const;

private:
  struct slot {
    platform_properties platform;
    absl::Status why_not; ///< OK: it has come
  };

  absl::Status none_fits(const platform_properties& wanted) const;
  bool are_workers_starting() const;

  std::vector<platform_properties> declared_;
  std::map<std::string, slot> known_; ///< by name; as many as there are slots
};

} // namespace expbuild
