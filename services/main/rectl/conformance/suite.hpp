#pragma once
#include "services/main/rectl/client.hpp"
#include "services/main/rectl/conformance/check.hpp"

#include <functional>

namespace expbuild::conformance {

/// How one check ended. `detail` says what was expected and what came, or why it is not offered.
struct verdict {
  enum class kind { passed, failed, not_offered };
  kind what = kind::passed;
  std::string detail;
};

const char* to_string(verdict::kind x);

/// Every check there is, area by area.
check_list all_checks();

/// Those whose name the regular expression finds. INVALID_ARGUMENT when it is none.
absl::StatusOr<check_list> matching_checks(const std::string& pattern);

/// Runs the checks one after the other, telling each as it ends. The error says why the server can
/// not be tested at all.
absl::Status run_checks(const client_options& where, const check_list& checks,
                        const std::function<void(const check&, const verdict&)>& tell);

} // namespace expbuild::conformance
