#pragma once
#include "storage/digest.hpp"

#include <absl/status/statusor.h>

#include <string>

namespace expbuild::rectl {

/// A digest as people give it: HASH/SIZE or FUNCTION/HASH/SIZE ("sha256/…"), a resource name's
/// "blobs/" in front of either is allowed. Without a function the hash's length says it.
/// INVALID_ARGUMENT shows the form.
absl::StatusOr<digest> parse_digest_argument(const std::string& text);

} // namespace expbuild::rectl
