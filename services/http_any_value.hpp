#pragma once
#include "storage/digest.hpp"

#include <absl/status/statusor.h>

#include <optional>
#include <string_view>

/// What is put under /ac and is no ActionResult lies in the CAS, and a result stands for it that
/// names that blob. So it is complete or not there, and is forgotten, as every result.

namespace expbuild {

/// The ActionResult that these bytes are. INVALID_ARGUMENT when they are something else: what does
/// not parse, or says nothing that an ActionResult can say (an empty one would be a success without
/// outputs).
absl::StatusOr<reapi::ActionResult> parse_result(std::string_view bytes);

reapi::ActionResult result_for_value(const digest& value);

/// nullopt for an ordinary result.
std::optional<digest> value_of(const reapi::ActionResult& result, digest_function function);

} // namespace expbuild
