#pragma once
#include "storage/digest.hpp"

#include <absl/status/status.h>

#include <string_view>

namespace expbuild {

/// Whether these are all the bytes of that blob, and nothing else. Hashes them only when their
/// number is right.
bool is_whole(const digest& id, std::string_view bytes);

/// Of bytes that somebody sent as the blob `announced` and that are the blob `actual`:
/// INVALID_ARGUMENT, naming both, when these are two.
absl::Status check_sent(const digest& announced, const digest& actual);

/// The same of the bytes themselves; hashes them, so that the answer can say what they are.
absl::Status check_sent(const digest& announced, std::string_view bytes);

} // namespace expbuild
