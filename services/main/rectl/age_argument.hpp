#pragma once
#include <absl/status/statusor.h>

#include <chrono>
#include <string>

namespace expbuild::rectl {

/// A time span as people give it: a whole number and s, m, h, d or w ("90s", "2h", "3d").
/// INVALID_ARGUMENT shows the form.
absl::StatusOr<std::chrono::seconds> parse_age_argument(const std::string& text);

} // namespace expbuild::rectl
