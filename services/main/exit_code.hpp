#pragma once
#include <absl/status/status.h>

namespace expbuild {

/// How re-server ends; docs/configuration.md tells users.
enum exit_code : int {
  ended_well = 0,
  bad_configuration = 1,
  bad_store = 2, ///< the folder of a store can not be used
  can_not_start = 3,
  other_format = 4, ///< a store was written by another version
  hangs = 70        ///< a step of stopping, or what nothing can replace, has failed
};

/// The same status, which also knows the exit code that it leads to.
absl::Status with_exit_code(absl::Status status, exit_code code);

/// `can_not_start` when nobody has said otherwise.
exit_code exit_code_of(const absl::Status& status);

} // namespace expbuild
